"""What the codec is at: a command of the layer above, and the messages that it takes."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hardware.cards.contract import CloseBatch, Query, Refund, Sale, Void
from hardware.cards.zvt import requests
from hardware.cards.zvt.frames import Message
from hardware.cards.zvt.handshake import Handshake
from hardware.cards.zvt.profile import Profile
from hardware.cards.zvt.telling import Work

# Messages of ours, by what they are for.
REGISTER, ENQUIRE, REPEAT, PAY, CLOSE = "register", "enquire", "repeat", "pay", "close"
OPENING = (REGISTER, ENQUIRE, REPEAT)


@dataclass
class Task:
    """A command of the layer above under way. `steps` are the messages still to be sent for it."""

    work: Work
    steps: deque[str]
    begun_ms: int | None = None
    handshake: Handshake | None = None


def steps_for(work: Work, last_is_known: bool) -> deque[str]:
    """Return what is to be sent; a payment is told from the last transaction, so that one is asked for first."""
    match work:
        case Query():
            return deque([REPEAT])
        case CloseBatch():
            return deque([CLOSE, REPEAT])
    return deque([ENQUIRE, PAY] if last_is_known else [REPEAT, ENQUIRE, PAY])


def message(profile: Profile, step: str, work: Work | None) -> Message:
    if step == PAY and isinstance(work, (Sale, Void, Refund)):
        return requests.payment(profile, work)
    build: dict[str, Callable[[Profile], Message]] = {
        REGISTER: requests.registration,
        ENQUIRE: requests.enquiry,
        REPEAT: requests.repeat,
        CLOSE: requests.end_of_day,
    }
    return build[step](profile)
