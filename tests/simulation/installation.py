"""The kiosk that a city put up in every world: its enrolment, its configuration and the bills it can read."""

import random
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.config.model import Acceptor, Card, Config, Kiosk, Office, Printer, Reader, Server
from kiosk.journal.keys import Enrolment, public_key_text
from kiosk.scanning.library import load as load_profiles
from kiosk.scanning.profile import Profile
from tests.simulation.server_state import SERVER_KEY

FEES = Path(__file__).parents[2] / "assets" / "fees" / "demo.toml"
KIOSK_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NONCE = "5e" * 32


def enrolment() -> Enrolment:
    return Enrolment(
        kiosk_id="rb-07",
        epoch=1,
        nonce=NONCE,
        server_key=public_key_text(SERVER_KEY),
        receipt_prefix="RB-07",
        city="City of Riverbend",
        time_zone="America/Chicago",
        public_key=public_key_text(KIOSK_KEY),
    )


def card(chance: random.Random, close_batch_at: str) -> Card:
    fees = FEES if chance.random() < 0.5 else None
    return Card("zvt", "/dev/terminal", fees=fees, category="9311", close_batch_at=close_batch_at)


def config(card: Card | None) -> Config:
    return Config(
        state_dir=Path("/nowhere"),
        run_dir=Path("/nowhere"),
        kiosk=Kiosk("Lobby 7", "City Hall, east lobby"),
        office=Office("City of Riverbend", ("100 Main Street",), "(636) 555-0142", "(636) 555-0143"),
        server=Server("https://city.example", heartbeat_s=20),
        acceptor=Acceptor("/dev/acceptor"),
        printer=Printer("file", "/dev/printer"),
        reader=Reader(imager="/dev/imager"),
        card=card,
    )


@cache
def profiles() -> tuple[Profile, ...]:
    return load_profiles(("riverbend",))
