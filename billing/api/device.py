"""Enrolment, and what a kiosk asks about itself."""

from base64 import b64encode
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Router, Status

from billing import clock
from billing.api import schemas
from billing.api.exchange import Sender
from billing.api.problems import Problem
from billing.customers.models import City
from billing.journal.appending import fields_of
from billing.kiosks import enrolment, heartbeats
from billing.kiosks.models import Chain
from billing.state import server_key

router = Router(tags=["Kiosk"])
_PROBLEMS = {401: schemas.ProblemOut, 403: schemas.ProblemOut, 422: schemas.ProblemOut}


@router.post(
    "/enrolments",
    auth=None,
    response={
        201: schemas.EnrolmentOut,
        200: schemas.EnrolmentOut,
        403: schemas.ProblemOut,
        422: schemas.ProblemOut,
    },
    operation_id="enrol",
)
def enrol(request: HttpRequest, payload: schemas.EnrolmentIn) -> Status[dict[str, object]]:
    """Exchange a one-time code for a kiosk id and a fresh epoch. Safe to repeat with the same code and key."""
    now = clock.now()
    try:
        held = enrolment.Held(**payload.held.dict()) if payload.held else None
        chain, created = enrolment.enrol(payload.code, payload.public_key, payload.hardware, now, held)
    except enrolment.CodeInvalid:
        raise Problem("enrolment-refused") from None
    except enrolment.KeyInvalid:
        raise Problem("validation", members={"errors": [{"pointer": "/public_key", "code": "ed25519"}]}) from None
    city = City.current()
    content = {
        "kiosk_id": chain.kiosk_id,
        "epoch": chain.epoch,
        "nonce": chain.nonce,
        "server_key": b64encode(server_key(settings.STATE).public_key().public_bytes_raw()).decode(),
        "receipt_prefix": chain.kiosk.receipt_prefix,
        "city": city.name,
        "time_zone": city.time_zone,
        "server_time": clock.stamp(now),
    }
    return Status(201 if created else 200, content)


@router.get("/kiosks/{kiosk_id}/head", response={200: schemas.HeadOut, **_PROBLEMS}, operation_id="head")
def head(request: HttpRequest, kiosk_id: str) -> dict[str, object]:
    """The journal head of the epoch that signs this request, as this server holds it."""
    sender = own(request, kiosk_id)
    chain, seen_at = sender.chain, sender.kiosk.seen_at
    return {
        "kiosk_id": chain.kiosk_id,
        "epoch": chain.epoch,
        "head_seq": chain.head_seq,
        "head_hash": chain.head_hash,
        "frozen": chain.frozen,
        "seen_at": clock.stamp(seen_at) if seen_at else "",
        "server_time": clock.stamp(clock.now()),
    }


@router.get(
    "/kiosks/{kiosk_id}/records",
    response={200: schemas.RecordsOut, 404: schemas.ProblemOut, **_PROBLEMS},
    operation_id="records",
)
def records(
    request: HttpRequest,
    kiosk_id: str,
    epoch: Annotated[int, Query(ge=1, lt=2**31)] = 1,
    after: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> dict[str, object]:
    """The kiosk's own records after `after`, byte for byte: what a restored kiosk is missing."""
    chain = Chain.objects.filter(kiosk=own(request, kiosk_id).kiosk, epoch=epoch).first()
    if chain is None:
        raise Problem("not-found")
    rows = list(chain.records.filter(seq__gt=after).order_by("seq")[:limit])
    more = bool(rows) and rows[-1].seq < chain.head_seq
    return {"records": [fields_of(row) for row in rows], "next": rows[-1].seq if more else None}


@router.post(
    "/kiosks/{kiosk_id}/heartbeats", response={200: schemas.HeartbeatOut, **_PROBLEMS}, operation_id="heartbeat"
)
def heartbeat(request: HttpRequest, kiosk_id: str, payload: schemas.HeartbeatIn) -> dict[str, object]:
    """Say how the kiosk is; learn the time, what staff want of it, and how far its journal is held here."""
    sender, now = own(request, kiosk_id), clock.now()
    heartbeats.record(sender.kiosk, payload.boot_id, payload.counter, payload.health, now)
    chain = sender.chain
    return {
        "server_time": clock.stamp(now),
        "commands": heartbeats.commands(chain),
        "head_seq": chain.head_seq,
        "head_hash": chain.head_hash,
    }


def own(request: HttpRequest, kiosk_id: str) -> Sender:
    """Return the sender if it speaks of itself."""
    sender: Sender = request.auth
    if kiosk_id != sender.kiosk.pk:
        raise Problem("scope")
    return sender
