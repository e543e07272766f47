"""The events and commands that every check reader speaks, whatever its protocol.

The full number of an account is in `Check` alone, which nobody prints, logs or keeps: the kiosk masks it at once.
"""

from dataclasses import dataclass, field

from hardware.transport.conversation import Codec as LineCodec
from hardware.transport.conversation import Lost, Met, Refused

# Why a check goes back: what its line does not say for certain is typed by nobody.
UNREADABLE = "unreadable"  # a character is missing or could not be read
ROUTING = "routing"  # no bank has this number: a misread, or no check
ACCOUNT = "account"
NUMBER = "number"  # the check's number cannot be told from the account
FOREIGN = "foreign"  # a Canadian or Mexican check
DEPOSITED = "deposited"  # a bank has printed the amount: the check was paid in before
GARBLED = "garbled"  # what came is no line of a check: the reader lost its settings, or the wire is bad


@dataclass(frozen=True)
class Identity:
    """What the reader says it is; "" where it does not say."""

    protocol: str
    firmware: str = ""


@dataclass(frozen=True)
class Check:
    """What the line of a check says: digits only. `business`: its number stood left of the bank's."""

    routing: str
    account: str = field(repr=False)
    number: str
    business: bool = False


# Events


@dataclass(frozen=True)
class Connected(Met):
    identity: Identity


@dataclass(frozen=True)
class CheckRead:
    check: Check


@dataclass(frozen=True)
class CheckRefused:
    """A check went through and cannot be taken: `code` is one of the words above."""

    code: str


Event = Connected | Lost | CheckRead | CheckRefused


# Commands


@dataclass(frozen=True)
class Listen:
    """A check is awaited: report what goes through. Until then, and after Rest, what is read is dropped."""


@dataclass(frozen=True)
class Rest:
    pass


Command = Listen | Rest

Codec = LineCodec[Command]

__all__ = [
    "ACCOUNT",
    "DEPOSITED",
    "FOREIGN",
    "GARBLED",
    "NUMBER",
    "ROUTING",
    "UNREADABLE",
    "Check",
    "CheckRead",
    "CheckRefused",
    "Codec",
    "Command",
    "Connected",
    "Event",
    "Identity",
    "Listen",
    "Lost",
    "Refused",
    "Rest",
]
