"""What every test process needs before anything is imported.

Importing Kivy makes files in its home folder, and two workers doing so at once on a new machine fall over each
other: each process gets a home of its own.
"""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="kivy-home-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["KIVY_HOME"] = _home
