"""What the SSP twin answers to each command, and how it puts its events into bytes (sheet sections 5, 7, 8 and 9)."""

from collections.abc import Callable

from hardware.sim.ssp_device import Acceptor
from hardware.sim.ssp_parts import Event

OK, UNKNOWN, PARAMETERS, RANGE, CANNOT = 0xF0, 0xF2, 0xF3, 0xF4, 0xF5
UNIT = {"nv": 0x00, "smart-payout": 0x06}
MODEL = {"nv": "NV02004141498000", "smart-payout": "NV02004591498000"}
DATASET = "USD01D01"
FIRMWARE = "0459"

CODES = {
    "reset": 0xF1,
    "read": 0xEF,
    "credit": 0xEE,
    "rejecting": 0xED,
    "rejected": 0xEC,
    "stacking": 0xCC,
    "stacked": 0xEB,
    "stored": 0xDB,
    "unsafe_jam": 0xE9,
    "disabled": 0xE8,
    "stacker_full": 0xE7,
    "fraud": 0xE6,
    "cassette_removed": 0xE3,
    "cassette_replaced": 0xE4,
    "cleared_from_front": 0xE1,
    "cleared_into_cashbox": 0xE2,
    "all_inhibited": 0xB5,
    "paid_into_stacker_at_power_up": 0xCA,
    "paid_into_store_at_power_up": 0xCB,
    "dispensed_at_power_up": 0xCD,
    "dispensing": 0xDA,
    "dispensed": 0xD2,
    "payout_jammed": 0xD5,
    "payout_halted": 0xD6,
    "payout_timeout": 0xD9,
    "incomplete_payout": 0xDC,
}
WITH_CHANNEL = ("read", "credit", "cleared_from_front", "cleared_into_cashbox")
WITH_LIST = ("dispensing", "dispensed", "payout_jammed", "payout_halted", "payout_timeout")
WITH_VALUE = {
    "paid_into_stacker_at_power_up": 8,
    "paid_into_store_at_power_up": 8,
    "dispensed_at_power_up": 6,
}
SINCE = {"all_inhibited": 7}
PAYS = (0x33, 0x38, 0x3B, 0x3C, 0x3D, 0x3F, 0x44, 0x46, 0x52, 0x56, 0x57, 0x60, 0x61)  # refused in clear


class Commands:
    """Answer plain commands. The protocol version is lost with the power."""

    def __init__(self, device: Acceptor) -> None:
        self.device = device
        self.version = 4
        self.told: list[Event] = []  # in the last poll reply
        self._answers: dict[int, Callable[[bytes], bytes]] = {
            0x02: self._inhibits,
            0x05: lambda _: self._setup(),
            0x06: self._host_version,
            0x07: lambda _: self._poll(False),
            0x08: lambda _: _done(device.reject()),
            0x09: lambda _: self._disable(),
            0x0A: lambda _: _done(device.enable()),
            0x0C: lambda _: bytes([OK]) + device.settings.serial.to_bytes(4, "big"),
            0x11: lambda _: bytes([OK]),
            0x17: lambda _: bytes([OK, device.reject_code]),
            0x18: lambda _: _done(device.hold()),
            0x20: lambda _: bytes([OK]) + MODEL[device.settings.profile].encode(),
            0x21: lambda _: bytes([OK]) + DATASET.encode(),
            0x58: lambda _: self._counters(),
        }
        if device.settings.encryption:
            self._answers |= {0x56: lambda _: self._poll(True), 0x57: lambda _: _done(device.acknowledge())}
        if device.settings.recycles:
            self._answers |= {
                0x22: lambda _: self._levels(),
                0x33: self._pay_amount,
                0x38: lambda _: _done(device.payout.halt()),
                0x3B: self._route,
                0x3C: self._get_route,
                0x46: self._pay_out,
                0x5B: lambda _: self._payout_device(False),
                0x5C: lambda _: self._payout_device(True),
            }

    def answer(self, command: bytes) -> bytes:
        """Return the reply's DATA in clear: generic code and data."""
        self.told = []
        reply = self._answers.get(command[0])
        return reply(command[1:]) if reply else bytes([UNKNOWN])

    def _disable(self) -> bytes:
        self.device.disable()
        return bytes([OK])

    def _inhibits(self, mask: bytes) -> bytes:
        if not 1 <= len(mask) <= 3:
            return bytes([PARAMETERS])
        self.device.inhibit(int.from_bytes(mask, "little"))
        return bytes([OK])

    def _host_version(self, data: bytes) -> bytes:
        if len(data) != 1:
            return bytes([PARAMETERS])
        if not 4 <= data[0] <= self.device.settings.version_max:
            return bytes([self.device.settings.refuses_version_with])
        self.version = data[0]
        return bytes([OK])

    def _setup(self) -> bytes:
        settings = self.device.settings
        count = max(settings.table)
        values = [settings.table.get(channel, 0) // 100 for channel in range(1, count + 1)]
        country = settings.currency.encode()
        data = bytes([OK, UNIT[settings.profile]]) + FIRMWARE.encode() + country + bytes([0, 0, 1, count])
        data += bytes(value if value < 256 else 0 for value in values) + bytes([2] * count)
        data += bytes([0, 0, 100, self.version])
        if self.version >= 6:
            data += country * count + b"".join(value.to_bytes(4, "little") for value in values)
        return data

    def _counters(self) -> bytes:
        body = self.device.own
        numbers = (body.notes.total(), body.store.total(), body.handed_out.total(), 0, body.returned)
        return bytes([OK, len(numbers)]) + b"".join(number.to_bytes(4, "little") for number in numbers)

    # The payout store

    def _levels(self) -> bytes:
        rows = b"".join(
            self.device.own.store[value].to_bytes(2, "little") + self._money(value)
            for _, value in sorted(self.device.settings.table.items())
        )
        return bytes([OK, len(self.device.settings.table)]) + rows

    def _route(self, data: bytes) -> bytes:
        if len(data) != 8:
            return bytes([PARAMETERS])
        value, currency = int.from_bytes(data[1:5], "little"), data[5:]
        if currency != self.device.settings.currency.encode() or value not in self.device.settings.table.values():
            return bytes([CANNOT, 2])
        (self.device.payout.stored.discard if data[0] else self.device.payout.stored.add)(value)
        return bytes([OK])

    def _get_route(self, data: bytes) -> bytes:
        return bytes([OK, 0 if int.from_bytes(data[:4], "little") in self.device.payout.stored else 1])

    def _pay_out(self, data: bytes) -> bytes:
        if not data or len(data) != 2 + 9 * data[0] or data[-1] not in (0x19, 0x58):
            return bytes([PARAMETERS])
        values: list[int] = []
        for at in range(1, len(data) - 1, 9):
            count, value = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 6], "little")
            if data[at + 6 : at + 9] != self.device.settings.currency.encode():
                return bytes([CANNOT, 2])
            values += [value] * count
        error = self.device.payout.pay_out(values, test=data[-1] == 0x19)
        return bytes([CANNOT, error]) if error else bytes([OK])

    def _pay_amount(self, data: bytes) -> bytes:
        """The device chooses: largest notes first."""
        if len(data) != 8 or data[-1] not in (0x19, 0x58):
            return bytes([PARAMETERS])
        left, values = int.from_bytes(data[:4], "little"), list[int]()
        for value, count in sorted(self.device.own.store.items(), reverse=True):
            taken = min(count, left // value)
            values, left = values + [value] * taken, left - value * taken
        if left or not values:
            return bytes([CANNOT, 2])
        error = self.device.payout.pay_out(values, test=data[-1] == 0x19)
        return bytes([CANNOT, error]) if error else bytes([OK])

    def _payout_device(self, on: bool) -> bytes:
        self.device.payout.enabled = on
        return bytes([OK])

    # Events

    def _poll(self, acked: bool) -> bytes:
        self.told = self.device.poll(acked)
        return bytes([OK]) + b"".join(self._event(event) for event in self.told)

    def _event(self, event: Event) -> bytes:
        code = bytes([CODES[event.name]])
        if self.version < SINCE.get(event.name, 0):
            return b""
        if event.name in WITH_CHANNEL or (event.name == "fraud" and not self.device.settings.recycles):
            return code + bytes([event.channel])
        if event.name == "fraud":
            return code + self._list(self.device.settings.table.get(event.channel, 0))
        if event.name in WITH_LIST:
            return code + self._list(event.minor)
        if event.name == "incomplete_payout":
            return code + self._incomplete(event)
        if self.version >= WITH_VALUE.get(event.name, 99):
            count = b"\x01" if self.device.settings.counts_before_value else b""
            return code + count + self._money(event.minor)
        return code

    def _incomplete(self, event: Event) -> bytes:
        sums = event.minor.to_bytes(4, "little") + event.asked.to_bytes(4, "little")
        return sums if self.version < 6 else b"\x01" + sums + self.device.settings.currency.encode()

    def _list(self, minor: int) -> bytes:
        return minor.to_bytes(4, "little") if self.version < 6 else b"\x01" + self._money(minor)

    def _money(self, minor: int) -> bytes:
        return minor.to_bytes(4, "little") + self.device.settings.currency.encode()


def _done(well: bool) -> bytes:
    return bytes([OK if well else CANNOT])
