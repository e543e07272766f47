"""The bill acceptors that a world may have: the twin's device and wire, and the shipped codec that talks to it."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping

from hardware.acceptors.contract import Codec
from hardware.sim.acceptor import Device, Wire

Table = Mapping[int, tuple[str, int]]  # channel to currency and cents


class Acceptor(ABC):
    """One protocol, drawn for one world. The device's own table is `table`."""

    device: Device
    wire: Wire

    @abstractmethod
    def codec(self, kept: object) -> Codec:
        """Return a new process's codec. `kept` is what `keep` gave for the last one, None after a power cut."""

    def keep(self, codec: Codec) -> object:
        """Return what of the codec outlives its process, in memory."""
        del codec
        return None

    def trouble(self, chance: random.Random) -> None:
        """Let the line lose, damage or split what goes over it for a while."""
        trouble = self.wire.trouble  # type: ignore[attr-defined]
        trouble.when = chance.choice(["", "", "stacked", "escrowed", "returned", "stacking"])
        trouble.drop = chance.choice([0, 1, 2, 5, 20, 60])
        trouble.corrupt = chance.choice([0, 0, 3, 14, 30])
        trouble.echo = chance.choice([0, 0, 0, 2])
        trouble.fragment = chance.random() < 0.2

    def noise(self, data: bytes) -> None:
        """Let `data` come before every answer; b"" ends it."""
        self.wire.trouble.noise = data  # type: ignore[attr-defined]

    recycles = False  # it keeps notes and gives them as change

    def fail_payout(self, how: str, after: int) -> None:
        """Let the next change end in one of PAYOUT_FAILURES, after so many notes."""
        raise NotImplementedError

    def beyond(self) -> int:
        """Return how many notes that came in lie elsewhere than in the cassette: kept for change, or given as such."""
        return 0

    def given_minor(self) -> int:
        """Return what came out as change."""
        return 0

    def best_minor(self, over_minor: int) -> int:
        """Return most of `over_minor` that the notes it keeps could give back."""
        del over_minor
        return 0

    def mend(self) -> None:
        """End all troubles of the line."""
        trouble = self.wire.trouble  # type: ignore[attr-defined]
        trouble.drop = trouble.corrupt = trouble.echo = 0
        trouble.noise, trouble.fragment = b"", False


class Ebds(Acceptor):
    """MEI and Pyramid; the toggle outlives the process."""

    def __init__(self, chance: random.Random, table: Table) -> None:
        from hardware.sim.ebds_device import Acceptor as EbdsDevice
        from hardware.sim.ebds_parts import POLICIES, PROFILES, Settings
        from hardware.sim.ebds_wire import Wire as EbdsWire

        settings = Settings(chance.choice(PROFILES), chance.choice(POLICIES))
        self._profile, self._table = settings.profile, table
        self.device = device = EbdsDevice(settings)
        self.wire = EbdsWire(device)

    def codec(self, kept: object) -> Codec:
        from hardware.acceptors.ebds import PROFILES, EbdsCodec

        return EbdsCodec(PROFILES[self._profile], self._table, kept if isinstance(kept, int) else None)

    def keep(self, codec: Codec) -> object:
        return codec.toggle  # type: ignore[attr-defined]


class Id003(Acceptor):
    """JCM; what its sheet leaves open is drawn. What STACK was sent for outlives the process."""

    def __init__(self, chance: random.Random, table: Table) -> None:
        from hardware.sim.id003_device import Acceptor as Id003Device
        from hardware.sim.id003_parts import CASSETTE_BACK, CLEARS, SHOWN, Settings
        from hardware.sim.id003_wire import Wire as Id003Wire

        settings = Settings(
            table={channel: value_minor for channel, (_, value_minor) in table.items()},
            stacked_polls=chance.choice((0, 0, 2)),
            vend_data=chance.random() < 0.3,
            vend_after_start=chance.random() < 0.5,
            stacking_is_in=chance.choice(("acceptor", "stacker", "stacker")),
            forgets_stacked=chance.random() < 0.2,
            drives_out_as=chance.choice(SHOWN),
            dumb_ms=chance.choice((0, 0, 60_000, 4_000)),
            knows_stack_2=chance.random() < 0.8,
            clears=chance.choice(CLEARS),
            cassette_back=chance.choice(CASSETTE_BACK),
            answers_damage=chance.random() < 0.3,
        )
        self._table = table
        self.device = device = Id003Device(settings)
        self.wire = Id003Wire(device)

    def codec(self, kept: object) -> Codec:
        from hardware.acceptors.id003 import Id003Codec

        return Id003Codec(self._table, kept if isinstance(kept, int) else 0)

    def keep(self, codec: Codec) -> object:
        return codec.stacking  # type: ignore[attr-defined]


class Ccnet(Acceptor):
    """CashCode; what its sheet leaves open is drawn."""

    def __init__(self, chance: random.Random, table: Table) -> None:
        from hardware.sim.ccnet_device import Validator
        from hardware.sim.ccnet_parts import Settings
        from hardware.sim.ccnet_wire import Wire as CcnetWire

        settings = Settings(
            table={channel: value_minor for channel, (_, value_minor) in table.items()},
            latch=chance.random() < 0.7,
            remembers=chance.random() < 0.7,
            told_on_start=chance.random() < 0.7,
            nak_broken=chance.random() < 0.7,
            waits_for_reset=chance.random() < 0.7,
            shows_holding=chance.random() < 0.5,
            cheat_stays=chance.random() < 0.3,
            gives_back_as=chance.choice(("returned", "returned", "rejected")),
            jam_yields=chance.random() < 0.3,
            busy_ms=chance.choice((0, 0, 500)),
        )
        self._table = table
        self.device = device = Validator(settings)
        self.wire = CcnetWire(device)

    def codec(self, kept: object) -> Codec:
        from hardware.acceptors.ccnet import CcnetCodec

        del kept
        return CcnetCodec(self._table)


class Ssp(Acceptor):
    """Innovative Technology's validators and a recycler that stores nothing; flag and last word outlive the process.

    What the sheet leaves open is drawn, and whether it is spoken to in clear.
    """

    profiles: tuple[str, ...] = ("nv", "nv", "nv-encrypted", "smart-payout")

    def __init__(self, chance: random.Random, table: Table) -> None:
        from hardware.sim.ssp_device import Acceptor as SspDevice
        from hardware.sim.ssp_parts import KEYS, Settings
        from hardware.sim.ssp_wire import Wire as SspWire

        self._profile = chance.choice(self.profiles)
        knows_keys = self._profile == "smart-payout" or chance.random() < 0.8
        secret = self._profile != "nv" and knows_keys
        settings = Settings(
            "smart-payout" if self._profile == "smart-payout" else "nv",
            table={channel: value_minor for channel, (_, value_minor) in table.items()},
            encryption=knows_keys,
            require_key=chance.choice(KEYS) if secret else "payout_commands",
            version_max=chance.choice((6, 7, 8)),
            settle_ms=chance.choice((0, 300, 2_000)),
            names_channel_at_power_up=chance.random() < 0.6,
            tells_stacking=chance.random() < 0.7,
            joins_credit_and_stacked=chance.random() < 0.3,
            unacknowledged_survive=chance.random() < 0.5,
            removed_repeats=chance.random() < 0.5,
            disable_returns=chance.random() < 0.7,
            refuses_version_with=chance.choice((0xF8, 0xF4)),
            counts_before_value=chance.random() < 0.5,
            transit_at_power_up=chance.choice(("store", "store", "out")),
        )
        self._table = table
        self._keys = random.Random(chance.randrange(1 << 30))
        self.device = device = SspDevice(settings)
        self.wire = SspWire(device, seed=chance.randrange(1 << 30))

    def codec(self, kept: object) -> Codec:
        return self._codec(kept, frozenset())

    def _codec(self, kept: object, stored: frozenset[int]) -> Codec:
        from hardware.acceptors.ssp import PROFILES, SspCodec

        memory = kept if isinstance(kept, int) else None
        return SspCodec(PROFILES[self._profile], self._table, memory, stored=stored, entropy=self._keys.randbytes)

    def keep(self, codec: Codec) -> object:
        return codec.memory  # type: ignore[attr-defined]


class Recycler(Ssp):
    """A SMART Payout that keeps what it takes for change, with a few notes in it from the start."""

    profiles = ("smart-payout",)
    recycles = True

    def __init__(self, chance: random.Random, table: Table) -> None:
        super().__init__(chance, table)
        body = self.device.own  # type: ignore[attr-defined]
        body.store.update({100: chance.choice((0, 6, 12)), 500: chance.choice((0, 3)), 1000: chance.choice((0, 2))})
        self._body, self._float = body, body.store.total()

    def fail_payout(self, how: str, after: int) -> None:
        self.device.payout.fail(how, after)  # type: ignore[attr-defined]

    def mend(self) -> None:
        super().mend()
        self.device.payout.fail("", 0)  # type: ignore[attr-defined]

    def codec(self, kept: object) -> Codec:
        return self._codec(kept, frozenset(self._table))

    def beyond(self) -> int:
        body = self._body
        return int(body.store.total() + bool(body.transit) + body.handed_out.total() - self._float)

    def given_minor(self) -> int:
        return sum(value * count for value, count in self._body.handed_out.items())

    def best_minor(self, over_minor: int) -> int:
        sums = {0}
        for value in self._body.store.elements():
            sums |= {one + value for one in sums if one + value <= over_minor}
        return max(sums)


FAMILIES: dict[str, type[Acceptor]] = {
    "ebds": Ebds,
    "id003": Id003,
    "ccnet": Ccnet,
    "ssp": Ssp,
    "recycler": Recycler,
}
USUAL = "ebds"
