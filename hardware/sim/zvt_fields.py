"""Fields of the ZVT twin's messages: what it reads of the kiosk's, and what it says of a card.

Shares nothing with the kiosk's code but the sheet (sections 3 and 4).
"""

# Bytes after the field number in what a kiosk sends; "t" is a container.
SIZES: dict[int, int | str] = {
    0x01: 1,
    0x02: 1,
    0x03: 1,
    0x04: 6,
    0x06: "t",
    0x0E: 2,
    0x19: 1,
    0x3A: 2,
    0x3C: "lll",
    0x49: 2,
    0x87: 2,
    0x8A: 1,
}

VISA = 0x0A
NUMBER = "4111111111111111"  # nobody's: every shop's test card


def fields_of(data: bytes) -> dict[int, bytes]:
    """Return the fields in `data`, up to the first that it does not know."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        size = SIZES.get(data[at])
        begin = at + 1
        if size == "t":
            length = data[begin] if begin < len(data) else 0
            begin += 1
        elif size == "lll":
            length = int("".join(str(digit & 0x0F) for digit in data[begin : begin + 3]) or "0")
            begin += 3
        elif isinstance(size, int):
            length = size
        else:
            found[data[at]] = b""
            break
        found[data[at]] = data[begin : begin + length]
        at = begin + length
    return found


def amount_field(amount_minor: int) -> bytes:
    return b"\x04" + bytes.fromhex(f"{amount_minor:012d}")


def tlv(tag: int, value: bytes) -> bytes:
    name = tag.to_bytes(2 if tag > 0xFF else 1, "big")
    size = len(value)
    return name + (bytes([size]) if size < 0x80 else bytes([0x81, size])) + value


def brand_fields(leaks: bool) -> bytes:
    """Return what is said of a contactless Visa: masked, or all of it by a terminal that should not."""
    name = b"Visa Credit\0"
    said = b"\x8a" + bytes([VISA]) + b"\x8b\xf1\xf2" + name
    said += b"\x3b" + b"611804\0\0" + b"\x2a" + b"100461763      "
    if leaks:
        track = bytes.fromhex(NUMBER + "d3012201")
        said += b"\x22\xf0\xf8" + bytes.fromhex(NUMBER) + b"\x0e\x30\x12"
        said += b"\x23\xf1" + bytes([0xF0 | (len(track) - 10)]) + track
        said += b"\x3c\xf0\xf2\xf1" + b"CARD " + NUMBER.encode()
    else:
        said += b"\x22\xf0\xf8" + bytes.fromhex("e" * 12 + NUMBER[-4:])
    payment = tlv(0x1F12, b"\x02") + tlv(0x1F10, b"\x00") + tlv(0x1F11, b"\x01")
    application = tlv(0x43, bytes.fromhex("A0000000031010")) + tlv(0x44, b"VISA CREDIT")
    return said + tlv(0x06, tlv(0x2F, payment) + tlv(0x60, application))
