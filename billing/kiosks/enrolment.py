"""Letting a kiosk in: a one-time code, typed by a technician, exchanged for a place in the journal."""

import hashlib
import json
import secrets
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Held:
    """What a kiosk was given at an enrolment that this server may have forgotten."""

    kiosk_id: str
    epoch: int
    nonce: str


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


def enrol(
    code: str, public_key: str, hardware: dict[str, Any], now: datetime, held: Held | None = None
) -> tuple[Chain, bool]:
    """Return the epoch that `public_key` signs, and whether it is new. The same code and key may come again.

    `held` comes from a kiosk that was enrolled after the back-up which this server was set back to: its epoch is known
    again, and its journal follows. Another epoch under that number would give receipt numbers twice.
    """
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
        Kiosk.objects.select_for_update().get(pk=row.kiosk_id)
        if held is not None and held.kiosk_id != row.kiosk_id:
            raise CodeInvalid
        known = row.kiosk.chains.filter(epoch=held.epoch).first() if held else None
        if held is not None and known is not None:
            if (known.public_key, known.nonce) != (public_key, held.nonce):
                raise CodeInvalid
            return known, False
        row.chain = _open_epoch(row.kiosk, public_key, hardware, now, held)
        row.save()
        return row.chain, True


def _open_epoch(kiosk: Kiosk, public_key: str, hardware: dict[str, Any], now: datetime, held: Held | None) -> Chain:
    last = kiosk.chains.aggregate(Max("epoch"))["epoch__max"] or 0
    epoch, nonce = (held.epoch, held.nonce) if held else (last + 1, secrets.token_hex(32))
    chain: Chain = Chain.objects.create(
        kiosk=kiosk,
        epoch=epoch,
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
