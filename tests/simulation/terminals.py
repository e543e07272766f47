"""The card terminals that a world may have: the twin on its line, and the shipped codec that talks to it."""

import random
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from tests.protocol.terminal_bench import Twin

if TYPE_CHECKING:
    from tests.simulation.host import Host
    from tests.simulation.till import CardLine, Till

WAYS = ("approve", "approve", "approve", "decline", "partial", "partial", "cancel", "walk_away")
RETURNS = ("approve", "approve", "approve", "approve", "decline")


class Terminal(ABC):
    """One protocol, drawn for one world.

    `keeps_references`: whatever it did can be found by our reference. `closes_batch`: it does so when it is told to.
    `damage_max`: so many wrong bytes of a frame its checksum is sure to show, 0 if its line damages nothing. `ways` are
    what its customers do, `returns` what becomes of refunds.
    """

    twin: Twin
    keeps_references = True
    closes_batch = True
    damage_max = 1
    ways: tuple[str, ...] = WAYS
    returns: tuple[str, ...] = RETURNS

    @abstractmethod
    def codec(self, kept: object) -> Any:
        """Return a new process's codec. `kept` is what `keep` gave for the last one: it is on the medium."""

    def line(self, host: "Host", till: "Till") -> "CardLine":
        """Return a new process's end of the line."""
        from tests.simulation.till import CardLine

        return CardLine(host, till)

    def keep(self, codec: Any) -> object:
        """Return what of the codec outlives its process and the power."""
        del codec
        return None

    def trouble(self, chance: random.Random) -> None:
        """Let happen what only this protocol knows."""
        del chance

    def mend(self) -> None:
        """End it."""
        return


class Pax(Terminal):
    """PAX, on a serial line or over TCP. What its sheet leaves open is drawn."""

    ways = (*WAYS, "receive_error_paid", "receive_error")
    returns = (*RETURNS, "receive_error_paid", "receive_error", "offline")

    def __init__(self, chance: random.Random) -> None:
        from hardware.cards.pax import Settings
        from hardware.sim.pax_parts import BUSY, CANCELS, DUPLICATES, VOIDS
        from hardware.sim.pax_parts import Settings as TwinSettings
        from tests.protocol.pax_bench import PaxTwin

        self._settings = Settings(link=chance.choice(("serial", "tcp")))
        settings = TwinSettings(
            busy=chance.choice(BUSY),
            cancel=chance.choice(CANCELS),
            cancels_host=chance.random() < 0.2,
            void_record=chance.choice(VOIDS),
            duplicates=chance.choice(DUPLICATES),
            echoes=chance.random() < 0.5,
            says_eot=chance.random() < 0.8,
        )
        self.damage_max = 1 if self._settings.link == "serial" else 0
        self.twin = PaxTwin(settings, notices=self._settings.link != "serial", handshake=self._settings.handshake)

    def codec(self, kept: object) -> Any:
        from hardware.cards.pax import PaxCodec

        del kept
        return PaxCodec(self._settings)


class Zvt(Terminal):
    """ZVT, on a serial line or over TCP. Its memory of the last attempt is a file that is synced before each write.

    What its sheet leaves open is drawn, as far as money can be told with it.
    """

    keeps_references = False
    ways = (*WAYS, *WAYS, "stays_silent")
    returns = (*RETURNS, *RETURNS, "cancel", "walk_away", "stays_silent")

    def __init__(self, chance: random.Random) -> None:
        from hardware.cards.zvt import Profile
        from hardware.sim.zvt_parts import Settings
        from tests.protocol.zvt_bench import ZvtTwin

        serial = chance.random() < 0.5
        settings = Settings(
            serial=serial,
            aborts=chance.random() < 0.8,
            busy_code=chance.choice((0x9C, 0xA0)),
            reversals_stored=chance.random() < 0.5,
            last_only=chance.random() < 0.5,
            progress=chance.random() < 0.8,
            minutes=chance.random() < 0.5,
            ends_declined=chance.random() < 0.8,
            prints=chance.choice((0, 0, 2)),
        )
        self.damage_max = 4 if serial else 0
        self._profile = Profile(serial=serial)
        self.twin = ZvtTwin(settings)

    def codec(self, kept: object) -> Any:
        from hardware.cards.zvt import Attempt, ZvtCodec

        return ZvtCodec(self._profile, kept if isinstance(kept, Attempt) else None)

    def mend(self) -> None:
        """One that went silent is switched off and on."""
        if self.twin.busy():
            self.twin.power_cut()

    def keep(self, codec: Any) -> object:
        return codec.attempt


class Stripe(Terminal):
    """A reader behind Stripe's API. What the public pages leave open is drawn."""

    damage_max = 0
    closes_batch = False  # the service does so by itself

    def __init__(self, chance: random.Random) -> None:
        from hardware.sim.stripe_account import Settings
        from tests.simulation.stripe import StripeTwin

        settings = Settings(
            error_status=chance.choice((400, 409)),
            cancel_while_authorising=chance.random() < 0.5,
            cancelled_action=chance.choice(("none", "failed")),
            shows_processing=chance.random() < 0.5,
            error_survives_cancel=chance.random() < 0.5,
            reader_wait_ms=chance.choice((0, 30_000)),
            refund_pending_ms=chance.choice((0, 0, 4_000)),
        )
        self.twin: StripeTwin = StripeTwin(settings)

    def codec(self, kept: object) -> Any:
        from hardware.cards.stripe import Settings, StripeMachine

        del kept
        return StripeMachine(Settings(self.twin.account.settings.reader))

    def line(self, host: "Host", till: "Till") -> "CardLine":
        from tests.simulation.stripe import StripeLine

        return StripeLine(host, till, self.twin)

    def trouble(self, chance: random.Random) -> None:
        self.twin.trouble(chance)

    def mend(self) -> None:
        self.twin.mend()


TERMINALS: dict[str, type[Terminal]] = {"pax": Pax, "zvt": Zvt, "stripe": Stripe}
NONE = ""
