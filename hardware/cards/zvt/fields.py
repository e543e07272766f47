"""The fields inside a message: BMPs and the TLV container (sheet section 4).

Only what the kiosk uses is kept. Card number, tracks, expiry, PIN and chip data are stepped over here and are in
nothing that leaves this module; of a card number its last four digits are.
"""

from dataclasses import dataclass, field

from hardware.cards.masking import without_card_numbers

CONTAINER = 0x06
CARD_NUMBER = 0x22
LL, LLL, TLV = -2, -3, -1

# Bytes of each BMP; LL and LLL say their length themselves, in as many digits.
LENGTHS = {
    **dict.fromkeys((0x01, 0x02, 0x03, 0x05, 0x19, 0x27, 0x8A, 0x8C, 0xA0, 0xD0, 0xD2, 0xD3), 1),
    **dict.fromkeys((0xE0, 0xE9, 0xEA, 0xF0, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD), 1),
    **dict.fromkeys((0x0D, 0x0E, 0x17, 0x3A, 0x49, 0x87), 2),
    **dict.fromkeys((0x0B, 0x0C, 0x37, 0x3D, 0x88, 0xAA), 3),
    **dict.fromkeys((0x22, 0x23, 0x2D, 0x8B, 0xA7, 0xD1), LL),
    **dict.fromkeys((*range(0xE1, 0xE9), *range(0xF1, 0xF9)), LL),
    **dict.fromkeys((0x24, 0x2E, 0x3C, 0x60, 0x9A, 0xAF), LLL),
    0x04: 6,
    0x06: TLV,
    0x29: 4,
    0x2A: 15,
    0x3B: 8,
    0xBA: 5,
    0xEB: 8,
}
KEPT = frozenset({0x04, 0x0B, 0x0C, 0x0D, 0x19, 0x27, 0x29, 0x2A, 0x37, 0x3B, 0x3C, 0x49, 0x60, 0x87, 0x88, 0x8A, 0x8B})
TRACKS = {0x23: "track 2", 0x24: "track 3", 0x2D: "track 1"}

TAGS_KEPT = frozenset({0x07, 0x41, 0x42, 0x43, 0x44, 0x1F10, 0x1F11, 0x1F12, 0x1F16, 0x1F17, 0x1F2B})
TAG_TRACKS = {0x1F08: "track 1", 0x1F09: "track 2", 0x1F0A: "track 3"}
DEPTH_MAX = 8


@dataclass
class Fields:
    """`bmps` and `tags` hold what was kept; of a tag that came more than once, all of them.

    `tracks` names the track data that was dropped: a terminal that sends any is not to be trusted with cards.
    `unread` is the BMP or tag that ended the reading, None if all was understood.
    """

    bmps: dict[int, bytes] = field(default_factory=dict, repr=False)
    tags: dict[int, list[bytes]] = field(default_factory=dict, repr=False)
    last4: str = ""
    tracks: set[str] = field(default_factory=set)
    unread: int | None = None

    def tag(self, tag: int) -> bytes:
        """Return the first `tag`, b"" if there is none."""
        return self.tags.get(tag, [b""])[0]


def read_fields(data: bytes) -> Fields:
    """Return what stands in the BMPs of `data`; an unknown or broken one makes the rest unreadable."""
    fields, at = Fields(), 0
    while at < len(data):
        bmp = data[at]
        begin, end = _extent(bmp, data, at + 1)
        if end > len(data):
            fields.unread = bmp
            break
        _keep(fields, bmp, data[begin:end])
        at = end
    return fields


def read_container(data: bytes) -> Fields:
    """Return what stands in `data`, the inside of a TLV container."""
    fields = Fields()
    _read_tags(fields, data, 0)
    return fields


def _extent(bmp: int, data: bytes, at: int) -> tuple[int, int]:
    """Return where the value of `bmp` begins and ends; an end behind the data if that cannot be said."""
    nowhere = (at, len(data) + 1)
    kind = LENGTHS.get(bmp)
    if kind is None:
        return nowhere
    if kind > 0:
        return at, at + kind
    if kind == TLV:
        length = tlv_length(data, at)
        return (length[1], length[1] + length[0]) if length else nowhere
    digits = data[at : at - kind]
    if len(digits) < -kind or any(digit & 0xF0 != 0xF0 or digit & 0x0F > 9 for digit in digits):
        return nowhere
    size = int("".join(str(digit & 0x0F) for digit in digits))
    return at - kind, at - kind + size


def _keep(fields: Fields, bmp: int, value: bytes) -> None:
    if bmp in TRACKS:
        fields.tracks.add(TRACKS[bmp])
    elif bmp == CARD_NUMBER:
        fields.last4 = _last4(value)
    elif bmp == CONTAINER:
        _read_tags(fields, value, 0)
    elif bmp in KEPT:
        fields.bmps[bmp] = value


def _read_tags(fields: Fields, data: bytes, depth: int) -> None:
    at = 0
    while at < len(data) and fields.unread is None:
        tag, behind = tlv_tag(data, at)
        length = tlv_length(data, behind)
        if not length or length[1] + length[0] > len(data) or depth > DEPTH_MAX:
            fields.unread = tag
            return
        size, begin = length
        _keep_tag(fields, tag, data[begin : begin + size], bool(data[at] & 0x20), depth)
        at = begin + size


def _keep_tag(fields: Fields, tag: int, value: bytes, constructed: bool, depth: int) -> None:
    if tag in TAG_TRACKS:
        fields.tracks.add(TAG_TRACKS[tag])
    elif tag in TAGS_KEPT:
        fields.tags.setdefault(tag, []).append(value)
    elif constructed:
        _read_tags(fields, value, depth + 1)


def tlv_tag(data: bytes, at: int) -> tuple[int, int]:
    """Return the tag at `at` and where its length stands."""
    tag, at = data[at], at + 1
    if tag & 0x1F != 0x1F:
        return tag, at
    while at < len(data):
        tag, more, at = tag << 8 | data[at], data[at] & 0x80, at + 1
        if not more:
            break
    return tag, at


def tlv_length(data: bytes, at: int) -> tuple[int, int] | None:
    """Return the length that stands at `at`, and where its value begins; None if there is none."""
    if at >= len(data):
        return None
    first = data[at]
    if first < 0x80:
        return first, at + 1
    size = {0x81: 1, 0x82: 2}.get(first)
    if size is None or at + 1 + size > len(data):
        return None
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


def bcd(value: int, size: int) -> bytes:
    """Return `value` in packed decimal digits."""
    return bytes.fromhex(str(value).rjust(2 * size, "0"))


def digits_of(value: bytes) -> str:
    """Return packed decimal digits, "" if they are none."""
    digits = value.hex()
    return digits if digits.isdecimal() else ""


def number_of(value: bytes | None) -> int | None:
    digits = digits_of(value) if value else ""
    return int(digits) if digits else None


def text_of(value: bytes) -> str:
    """Return a text of the terminal on one line, without what looks like a card number."""
    printable = "".join(char if char.isprintable() else " " for char in value.decode("cp437"))
    return without_card_numbers(" ".join(printable.split()))


def _last4(value: bytes) -> str:
    """Digits masked by the terminal are E, the end of an odd number is F, and D comes before anything else."""
    number = value.hex().split("d")[0].rstrip("f")
    return number[-4:] if len(number) >= 4 and number[-4:].isdecimal() else ""
