"""Who this kiosk is, and what the brain is told about it."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk import VERSION
from kiosk.brain.settings import Settings, Timeouts
from kiosk.config.fees import load_fees
from kiosk.config.model import Config
from kiosk.journal.keys import ENROLMENT_NAME, KEY_NAME, Enrolment, KeyUnusable, load_enrolment, load_key
from kiosk.journal.medium import reason_of


@dataclass(frozen=True)
class Identity:
    """Who this kiosk is: made at enrolment, kept in the state directory."""

    key: Ed25519PrivateKey
    enrolment: Enrolment


class NotEnrolled(Exception):
    """There is no key or no enrolment that could be used."""


def identity(config: Config) -> Identity:
    """Load key and enrolment. Raises NotEnrolled, or OSError for a medium that does not give them."""
    try:
        return Identity(load_key(config.state_dir / KEY_NAME), load_enrolment(config.state_dir / ENROLMENT_NAME))
    except (FileNotFoundError, KeyUnusable) as error:
        raise NotEnrolled(str(error)) from error


def unknown(config: Config) -> str:
    """Return why this kiosk cannot be told who it is, "" when it can."""
    try:
        identity(config)
    except (NotEnrolled, OSError) as error:
        return unknown_because(error)
    return ""


def unknown_because(error: NotEnrolled | OSError) -> str:
    return "not_enrolled" if isinstance(error, NotEnrolled) else reason_of(error)


def settings_of(config: Config, who: Enrolment) -> Settings:
    times = config.times
    timeouts = Timeouts(
        idle=round(times.idle_s * 1000),
        idle_answer=round(times.idle_answer_s * 1000),
        done=round(times.done_s * 1000),
        staff_idle=round(times.staff_idle_s * 1000),
    )
    card = config.card
    return Settings(
        city=who.city,
        kiosk=config.kiosk.name,
        receipt_prefix=who.receipt_prefix,
        epoch=who.epoch,
        version=VERSION,
        channels=tuple(sorted(config.acceptor.channels.items())),
        language=config.kiosk.language,
        minimum_minor=config.limits.minimum_minor,
        maximum_minor=config.limits.maximum_minor,
        credit_limit_minor=config.limits.credit_minor,
        offline_minor=config.limits.offline_minor,
        timeouts=timeouts,
        claim_phone=config.office.claim_phone,
        claim_place=config.office.claim_address,
        cards=card is not None,
        card_minimum_minor=card.minimum_minor if card else 0,
        card_maximum_minor=card.maximum_minor if card else 0,
        card_fees=load_fees(card.fees) if card and card.fees else (),
        card_category=card.category if card else "",
        card_department=card.department if card else "",
        checks=config.check_reader is not None,
        franks=config.printer.slip,
        check_maximum_minor=config.check_reader.maximum_minor if config.check_reader else 0,
        batch_at=card.close_batch_at if card else "",
        refund_days=card.refund_days if card else 0,
        refund_two_people=card.refund_two_people if card else True,
    )
