"""The start of a conversation, up to the first poll (sheet section 10, start-up sequence).

SYNC twice, the key, HOLD to learn whether a note is in escrow (a POLL might stack it), DISABLE, protocol version,
SETUP and the names; a recycler's routes and its payout unit. RESET is not among them: it throws events away.
"""

from hardware.acceptors.contract import Identity
from hardware.acceptors.ssp.profiles import Profile
from hardware.acceptors.ssp.secrecy import Entropy, Negotiation, Session
from hardware.acceptors.ssp.setup import Setup, Table, read_setup
from hardware.acceptors.ssp.words import TO_CASHBOX, TO_STORE, Command, Reply, route

VERSIONS = (8, 7, 6, 5, 4)  # 9 changes the note events and is not wanted
TRIES_MAX = 3
COUNTERS = ("stacked", "stored", "paid_out", "moved_from_store_to_cassette", "rejected")  # of note devices
KEY_STEPS = ("generator", "modulus", "exchange")
ROUTE_ERRORS = {0xF4: "wrong fixed key, or the unit is in trusted mode"}
PAYOUT_ERRORS = {1: "no payout unit", 2: "invalid currency", 3: "busy", 4: "can only be emptied", 5: "device error"}


class Opening:
    """The steps, each until it is answered or was tried often enough. `failed` says why there is no going on."""

    def __init__(self, profile: Profile, key: bytes, stored: frozenset[int], table: Table, entropy: Entropy) -> None:
        self._profile = profile
        self._key = key
        self._stored = stored
        self._table = table
        self._entropy = entropy
        self._without_key = profile.encryption == "never"
        self.version = VERSIONS[0]
        self.setup: Setup | None = None
        self.begin()

    def begin(self) -> None:
        """The line is new."""
        self._start(["sync", "sync", *self._keys(), "hold", *self._greeting()])

    def device_restarted(self) -> None:
        """Version, inhibits and routes are lost, and maybe the key, which the device then says."""
        self._start(self._greeting())

    def key_lost(self) -> None:
        self._without_key = False
        self._start([*KEY_STEPS, "hold", *self._greeting()])

    def _start(self, steps: list[str]) -> None:
        self._steps = steps
        self._tries = 0
        self._versions = list(VERSIONS)
        self._texts: dict[str, str] = {}
        self._counters: dict[str, int] = {}
        self._negotiation = Negotiation(self._entropy) if "generator" in steps else None
        self.session: Session | None = None
        self.escrowed = False  # HOLD said that a note is held
        self.failed = ""
        self.complaint = ""  # what keeps a recycler from paying out

    def _keys(self) -> tuple[str, ...]:
        return () if self._without_key else KEY_STEPS

    @staticmethod
    def _greeting() -> list[str]:
        return ["disable", "version", "setup", "serial", "firmware", "dataset", "counters"]

    @property
    def done(self) -> bool:
        return not self._steps

    @property
    def encrypts(self) -> bool:
        return not self._without_key

    def ask(self) -> bytes:
        """Return the command of the present step."""
        step, _, argument = self._steps[0].partition(" ")
        if step == "route":
            return self._route(int(argument))
        if step == "version":
            return bytes([Command.HOST_PROTOCOL_VERSION, self._versions[0]])
        if self._negotiation is not None and step in KEY_STEPS:
            return {
                "generator": bytes([Command.SET_GENERATOR]) + self._negotiation.generator,
                "modulus": bytes([Command.SET_MODULUS]) + self._negotiation.modulus,
                "exchange": bytes([Command.KEY_EXCHANGE]) + self._negotiation.ours,
            }[step]
        return bytes([_PLAIN[step]])

    def _route(self, channel: int) -> bytes:
        currency, value_minor = self._table[channel]
        return route(value_minor, currency, TO_STORE if channel in self._stored else TO_CASHBOX)

    def take(self, data: bytes) -> None:
        """Take the reply to the present step: generic code and data."""
        step = self._steps[0].partition(" ")[0]
        if _TAKE.get(step, _text)(self, data[0], data[1:]):
            del self._steps[0]
            self._tries = 0
            return
        self._tries += 1
        if self._tries >= TRIES_MAX and not self.failed:
            self.failed = f"it answers {step} with {data.hex(' ').upper()}"

    # What the answers mean: each returns True if the step is done

    def _synchronised(self, code: int, data: bytes) -> bool:
        return code == Reply.OK and not data

    def _key_part(self, code: int, data: bytes) -> bool:
        del data
        if code == Reply.UNKNOWN_COMMAND and self._profile.encryption == "possible":
            self._without_key = True
            self._steps = [step for step in self._steps if step not in KEY_STEPS]
            self._steps.insert(0, "none")  # this step, over
        elif code != Reply.OK:
            self._renegotiate()
            return False
        return True

    def _key_exchanged(self, code: int, data: bytes) -> bool:
        if code != Reply.OK or len(data) != 8 or self._negotiation is None:
            self._renegotiate()
            return False
        self.session = self._negotiation.session(data, self._key)
        return True

    def _renegotiate(self) -> None:
        """With other primes, from the first of them on."""
        self._negotiation = Negotiation(self._entropy)
        rest = [step for step in self._steps if step not in KEY_STEPS]
        self._steps = [*KEY_STEPS, *rest]

    def _held(self, code: int, data: bytes) -> bool:
        del data
        self.escrowed = code == Reply.OK
        if self.escrowed:  # DISABLE would send it back, and nobody would have decided that
            self._steps.remove("disable")
        return True

    def _any(self, code: int, data: bytes) -> bool:
        del code, data
        return True

    def _versioned(self, code: int, data: bytes) -> bool:
        del data
        if code == Reply.OK:
            self.version = self._versions[0]
            return True
        self._tries = 0
        del self._versions[0]
        if not self._versions:
            self.failed, self._versions = f"no protocol version from {VERSIONS[-1]} to {VERSIONS[0]}", list(VERSIONS)
        return False

    def _set_up(self, code: int, data: bytes) -> bool:
        setup = read_setup(data) if code == Reply.OK else None
        if setup is None:
            return False
        self.setup = setup
        if setup.pays_out and self._profile.pays_out:
            # Routes are told for what the device itself calls so; another table is a fault and nothing is enabled.
            known = [channel for channel in sorted(self._table) if setup.table.get(channel) == self._table[channel]]
            self._steps += [f"route {channel}" for channel in known] + ["payout"]
        elif self._profile.pays_out:
            self.complaint = "it has no payout unit"
        return True

    def _routed(self, code: int, data: bytes) -> bool:
        if code != Reply.OK:
            self.complaint = f"route refused: {ROUTE_ERRORS.get(code, bytes([code, *data]).hex(' ').upper())}"
        return True

    def _payout_enabled(self, code: int, data: bytes) -> bool:
        if code == Reply.CANNOT and data[:1] == b"\x03":  # busy
            return False
        if code != Reply.OK:
            self.complaint = f"payout unit: {PAYOUT_ERRORS.get(data[0] if data else 0, f'answers {code:02X}')}"
        return True

    def _serial(self, code: int, data: bytes) -> bool:
        if code == Reply.OK and len(data) >= 4:
            self._texts["serial"] = str(int.from_bytes(data[:4], "big"))
        return True

    def _counted(self, code: int, data: bytes) -> bool:
        """What it took and gave in its life (section 8, 58); a unit of another kind has others, or none."""
        if code == Reply.OK and data[:1] == bytes([len(COUNTERS)]) and len(data) == 1 + 4 * len(COUNTERS):
            numbers = (int.from_bytes(data[at : at + 4], "little") for at in range(1, len(data), 4))
            self._counters = dict(zip(COUNTERS, numbers, strict=True))
        return True

    def identity(self) -> Identity:
        """Return what was learnt."""
        setup = self.setup or Setup(0, "", "", 0, 0)
        return Identity(
            protocol="ssp",
            model=setup.model,
            serial=self._texts.get("serial", ""),
            firmware=self._texts.get("firmware") or setup.firmware,
            variant=self._texts.get("dataset", ""),
            table=dict(setup.table),
            counters=dict(self._counters),
        )


def _text(opening: Opening, code: int, data: bytes) -> bool:
    if code == Reply.OK:
        name = opening._steps[0]
        opening._texts[name] = "".join(chr(byte) for byte in data if 0x20 < byte < 0x7F)
    return True


_PLAIN = {
    "sync": Command.SYNC,
    "hold": Command.HOLD,
    "disable": Command.DISABLE,
    "setup": Command.SETUP_REQUEST,
    "serial": Command.GET_SERIAL_NUMBER,
    "firmware": Command.GET_FIRMWARE_VERSION,
    "dataset": Command.GET_DATASET_VERSION,
    "counters": Command.GET_COUNTERS,
    "payout": Command.ENABLE_PAYOUT,
}
_TAKE = {
    "sync": Opening._synchronised,
    "generator": Opening._key_part,
    "modulus": Opening._key_part,
    "exchange": Opening._key_exchanged,
    "hold": Opening._held,
    "disable": Opening._any,
    "version": Opening._versioned,
    "setup": Opening._set_up,
    "serial": Opening._serial,
    "counters": Opening._counted,
    "route": Opening._routed,
    "payout": Opening._payout_enabled,
}
