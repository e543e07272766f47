"""Secrets kept in the server's state directory: made once, readable by the server's user alone."""

import base64
import os
import secrets
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def keep_secret(path: Path, fresh: str) -> str:
    """Return the text in `path`; write `fresh` there first if there is none. Two starters agree on one text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(fresh)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # unlike rename, this never replaces a secret that is already in use
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def session_secret(state: Path) -> str:
    path = state / "session-secret"
    return path.read_text(encoding="ascii").strip() if path.exists() else keep_secret(path, secrets.token_urlsafe(48))


@cache
def server_key(state: Path) -> Ed25519PrivateKey:
    """Return the key that signs answers; kiosks learn its public half at enrolment and pin it."""
    path = state / "server-key"
    if path.exists():
        text = path.read_text(encoding="ascii").strip()
    else:
        text = keep_secret(path, base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode())
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text))
