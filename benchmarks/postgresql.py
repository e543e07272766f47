"""A PostgreSQL cluster that belongs to nobody else, on a socket in a folder of its own, and gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

USER = "billing"


def binaries() -> Path:
    """Return the directory of the newest server programs."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4]))
    assert versions, "PostgreSQL's server programs are needed: apt-get install postgresql"
    return versions[-1].parent


@contextmanager
def cluster(*settings: str) -> Iterator[str]:
    """Yield the socket directory of a running cluster; `settings` are its own, each "name=value"."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    # PostgreSQL refuses to run as root.
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    if owner:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    bin_, data = binaries(), folder / "data"

    def run(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=60, **owner)

    run(f"{bin_}/initdb", "-D", str(data), "-U", USER, "-A", "trust", "-N", "--encoding=UTF8", "--locale=C")
    options = " ".join(
        f"-c {item}" for item in ("listen_addresses=''", f"unix_socket_directories='{folder}'", *settings)
    )
    run(f"{bin_}/pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield str(folder)
    finally:
        run(f"{bin_}/pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def url(socket: str, database: str) -> str:
    """Return what BILLING_DATABASE says of a database of the cluster."""
    return f"postgresql://{USER}@{quote(socket, safe='')}/{database}"
