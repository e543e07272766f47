"""The kiosk's signing key, made here and never leaving, and what enrolment gave in return."""

import json
import os
import stat
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kiosk.journal.medium import SYSTEM

KEY_NAME = "kiosk.key"
ENROLMENT_NAME = "enrolment.json"


class KeyUnusable(Exception):
    """The key or enrolment file is not what it should be; says why, for staff."""


@dataclass(frozen=True)
class Enrolment:
    """What the server gave (docs/wire.md, `POST /v1/enrolments`) and the public half of our key; keys in base64."""

    kiosk_id: str
    epoch: int
    nonce: str
    server_key: str
    receipt_prefix: str
    city: str
    time_zone: str
    public_key: str = ""

    def pinned_server_key(self) -> Ed25519PublicKey:
        return public_key_from(self.server_key)


def make_key(path: Path) -> Ed25519PrivateKey:
    """Make the kiosk's key, durable and readable by its owner only. FileExistsError rather than replace one."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    _write(draft, text)
    try:
        os.link(draft, path)  # unlike rename, never replaces
    finally:
        draft.unlink()
    SYSTEM.sync_directory(path.parent)
    return key


def load_key(path: Path) -> Ed25519PrivateKey:
    """Load the kiosk's key. Raises KeyUnusable when it can be read by others or is no Ed25519 key."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyUnusable(f"{path} is open to others (mode {mode:o}); it must be 600")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise KeyUnusable(f"{path} holds no key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(f"{path} holds another kind of key than Ed25519")
    return key


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    return load_key(path) if path.exists() else make_key(path)


def public_key_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """Return the raw public key in base64, as enrolment sends it."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return b64encode(public.public_bytes_raw()).decode()


def public_key_from(text: str) -> Ed25519PublicKey:
    """Return the key that `public_key_text` wrote. Raises KeyUnusable."""
    try:
        return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
    except ValueError as error:
        raise KeyUnusable("not a public key in base64") from error


def save_enrolment(path: Path, enrolment: Enrolment) -> None:
    """Replace the enrolment file in one step; it is durable on return."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    _write(draft, (json.dumps(asdict(enrolment), indent=2, ensure_ascii=False) + "\n").encode())
    draft.rename(path)
    SYSTEM.sync_directory(path.parent)


def load_enrolment(path: Path) -> Enrolment:
    """Load the enrolment. Raises KeyUnusable naming what is missing; FileNotFoundError before enrolment."""
    try:
        content = json.loads(path.read_bytes())
        known = {field.name: content[field.name] for field in fields(Enrolment) if field.name in content}
        enrolment = Enrolment(**known)
    except (ValueError, TypeError) as error:
        raise KeyUnusable(f"{path}: {error}") from error
    for field in fields(Enrolment):
        if type(getattr(enrolment, field.name)) is not field.type:
            raise KeyUnusable(f"{path}: {field.name} has the wrong type")
    enrolment.pinned_server_key()
    return enrolment


def _write(path: Path, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
