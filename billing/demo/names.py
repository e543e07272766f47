"""Invented people, businesses and streets of the demo city; the words stand in assets/demo/names.json."""

import json
import random
from pathlib import Path

_WORDS: dict[str, list[str]] = json.loads(
    (Path(__file__).resolve().parents[2] / "assets" / "demo" / "names.json").read_text(encoding="utf-8")
)
_ENDINGS = ("", "", " LLC", " Inc.", " & Sons")

# What the licence is for, and its yearly fee in cents.
LICENCES = (
    ("Retail store, up to 5 employees", 8100),
    ("Retail store, 6 to 20 employees", 14500),
    ("Restaurant", 17500),
    ("Home occupation", 4500),
    ("Contractor", 12000),
    ("Personal services", 6500),
)


def person(chance: random.Random) -> str:
    return f"{chance.choice(_WORDS['first'])} {chance.choice(_WORDS['last'])}"


def business(chance: random.Random) -> str:
    return f"{chance.choice(_WORDS['last'])} {chance.choice(_WORDS['trades'])}{chance.choice(_ENDINGS)}"


def street(chance: random.Random) -> str:
    return chance.choice(_WORDS["streets"])
