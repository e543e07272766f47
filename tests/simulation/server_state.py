"""A state directory of the server for each process of the simulation. `prepare` comes before anything of Django."""

import atexit
import logging
import os
import shutil
import tempfile
from base64 import b64encode
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SERVER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
MEMORY = Path("/dev/shm")


def prepare() -> None:
    """Set Django up on an empty directory in memory, and be silent about what worlds do on purpose."""
    state = Path(tempfile.mkdtemp(prefix="simulated-", dir=MEMORY if MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, state, ignore_errors=True)
    (state / "server-key").write_text(b64encode(SERVER_KEY.private_bytes_raw()).decode(), encoding="ascii")
    os.environ["BILLING_STATE"] = str(state)
    os.environ["DJANGO_SETTINGS_MODULE"] = "billing.settings"
    os.environ.pop("BILLING_DATABASE", None)
    import django

    django.setup()
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
