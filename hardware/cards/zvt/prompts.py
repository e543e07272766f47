"""What the person at the terminal is to do, from an intermediate status 04 FF (sheet section 7)."""

from hardware.cards.contract import Prompt
from hardware.cards.zvt.fields import read_container, text_of, tlv_length

CODES = {
    **dict.fromkeys((0x01, 0x02), "enter_pin"),
    **dict.fromkeys((0x04, 0xD2, 0xD3, 0xF2), "authorising"),
    **dict.fromkeys((0x05, 0x06, 0x0E, 0x0F, 0x17, 0x68, 0xCA), "wait"),
    **dict.fromkeys((0x0A,), "present_card"),
    **dict.fromkeys((0x0B, *range(0x41, 0x5E)), "remove_card"),
    **dict.fromkeys((0x0C, 0x15), "try_again"),
}
CONTAINER, TEXT = 0x06, 0x07
MINUTES_MAX = 60


def prompt(reference: str, data: bytes) -> Prompt | None:
    """Return the prompt, None if the status says nothing to a person."""
    if not data:
        return None
    fields = read_container(_container(data))
    text = " ".join(text_of(line) for line in fields.tags.get(TEXT, []))
    code = CODES.get(data[0], "message")
    return Prompt(reference, code, text) if text or code != "message" else None


def patience_ms(data: bytes) -> int | None:
    """Return the new limit for the whole command, None where the status leaves it as it is."""
    if len(data) < 2 or _tags_at(data, 1):
        return None
    minutes = data[1] >> 4, data[1] & 0x0F
    whole = minutes[0] * 10 + minutes[1]
    return whole * 60_000 if max(minutes) <= 9 and 0 < whole <= MINUTES_MAX else None


def _container(data: bytes) -> bytes:
    """The minutes should stand before the container, and are sometimes left out."""
    at = 1 if _tags_at(data, 1) else 2
    length = tlv_length(data, at + 1) if data[at : at + 1] == bytes([CONTAINER]) else None
    return data[length[1] : length[1] + length[0]] if length else b""


def _tags_at(data: bytes, at: int) -> bool:
    """Return whether a container begins at `at` and ends with the data."""
    length = tlv_length(data, at + 1) if data[at : at + 1] == bytes([CONTAINER]) else None
    return bool(length) and length is not None and length[0] + length[1] == len(data)
