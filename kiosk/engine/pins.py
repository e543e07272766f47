"""Staff PINs: only their scrypt hashes are configured."""

import hashlib
import hmac
import os

from kiosk.config.model import Staff

COST, BLOCK, PARALLEL = 2**14, 8, 1


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """Return the configuration's form of a PIN. ValueError unless it is 4 to 12 digits."""
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 12):
        raise ValueError("a PIN is 4 to 12 digits")
    salt = salt or os.urandom(16)
    digest = hashlib.scrypt(pin.encode(), salt=salt, n=COST, r=BLOCK, p=PARALLEL)
    return f"scrypt${COST}${BLOCK}${PARALLEL}${salt.hex()}${digest.hex()}"


def who_has(pin: str, staff: tuple[Staff, ...]) -> str:
    """Return the name of the person with this PIN, "" if nobody has it. Takes the same time either way."""
    found = ""
    for person in staff:
        if _matches(pin, person.pin) and not found:
            found = person.name
    return found


def _matches(pin: str, stored: str) -> bool:
    _, cost, block, parallel, salt, digest = stored.split("$")
    made = hashlib.scrypt(pin.encode(), salt=bytes.fromhex(salt), n=int(cost), r=int(block), p=int(parallel))
    return hmac.compare_digest(made.hex(), digest)
