"""Letting a kiosk in: a one-time code, typed by a technician, exchanged for a place in the journal."""

import hashlib
import json
import secrets
from base64 import b64decode
from binascii import Error as Base64Error
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.db.models import Max

from billing.kiosks.models import Chain, EnrolmentCode, Kiosk

LIFETIME = timedelta(hours=1)
# No 0, 1, O or I: people read this off one screen and type it on another.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_GROUPS, _GROUP_LENGTH = 3, 4


class CodeInvalid(Exception):
    """Unknown, run out, or used with another key: nobody is told which."""


class KeyInvalid(Exception):
    """Not the base64 of a raw Ed25519 public key."""


def new_code(kiosk: Kiosk, now: datetime) -> str:
    """Return a fresh code for `kiosk`; codes given out before and not used are void."""
    symbols = [secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP_LENGTH)]
    code = "-".join("".join(symbols[i : i + _GROUP_LENGTH]) for i in range(0, len(symbols), _GROUP_LENGTH))
    with transaction.atomic():
        kiosk.codes.filter(chain=None, expires_at__gt=now).update(expires_at=now)
        EnrolmentCode.objects.create(kiosk=kiosk, digest=_digest(code), created_at=now, expires_at=now + LIFETIME)
    return code


def enrol(code: str, public_key: str, hardware: dict[str, Any], now: datetime) -> tuple[Chain, bool]:
    """Return the epoch that `public_key` signs, and whether it is new. The same code and key may come again."""
    _check_key(public_key)
    with transaction.atomic():
        row = EnrolmentCode.objects.select_for_update().filter(digest=_digest(code)).first()
        if row is None:
            raise CodeInvalid
        if row.chain is not None:
            if row.chain.public_key != public_key:
                raise CodeInvalid
            return row.chain, False
        if row.expires_at <= now:
            raise CodeInvalid
        row.chain = _open_epoch(row.kiosk, public_key, hardware, now)
        row.save()
        return row.chain, True


def _open_epoch(kiosk: Kiosk, public_key: str, hardware: dict[str, Any], now: datetime) -> Chain:
    Kiosk.objects.select_for_update().get(pk=kiosk.pk)
    last = kiosk.chains.aggregate(Max("epoch"))["epoch__max"] or 0
    nonce = secrets.token_hex(32)
    chain: Chain = Chain.objects.create(
        kiosk=kiosk,
        epoch=last + 1,
        public_key=public_key,
        nonce=nonce,
        head_hash=nonce,
        enrolled_at=now,
        hardware=json.dumps(hardware),
    )
    return chain


def _check_key(public_key: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(b64decode(public_key, validate=True))
    except (Base64Error, ValueError):
        raise KeyInvalid from None


def _digest(code: str) -> str:
    plain = "".join(c for c in code.upper() if c.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
