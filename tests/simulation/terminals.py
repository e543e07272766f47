"""The card terminals that a world may have: the twin on its line, and the shipped codec that talks to it."""

import random
from abc import ABC, abstractmethod

from hardware.cards.contract import Codec
from tests.protocol.terminal_bench import Twin


class Terminal(ABC):
    """One protocol, drawn for one world. `keeps_references`: whatever it did can be found by our reference."""

    twin: Twin
    keeps_references = True

    @abstractmethod
    def codec(self, kept: object) -> Codec:
        """Return a new process's codec. `kept` is what `keep` gave for the last one: it is on the medium."""

    def keep(self, codec: Codec) -> object:
        """Return what of the codec outlives its process and the power."""
        del codec
        return None


class Pax(Terminal):
    """PAX, on a serial line or over TCP."""

    def __init__(self, chance: random.Random) -> None:
        from hardware.cards.pax import Settings
        from tests.protocol.pax_bench import PaxTwin

        self._settings = Settings(link=chance.choice(("serial", "tcp")))
        self.twin = PaxTwin(notices=self._settings.link != "serial", handshake=self._settings.handshake)

    def codec(self, kept: object) -> Codec:
        from hardware.cards.pax import PaxCodec

        del kept
        return PaxCodec(self._settings)


class Zvt(Terminal):
    """ZVT, on a serial line or over TCP. Its memory of the last attempt is a file that is synced before each write."""

    keeps_references = False

    def __init__(self, chance: random.Random) -> None:
        from hardware.cards.zvt import Profile
        from hardware.sim.zvt_parts import Settings
        from tests.protocol.zvt_bench import ZvtTwin

        serial = chance.random() < 0.5
        self._profile = Profile(serial=serial)
        self.twin = ZvtTwin(Settings(serial=serial))

    def codec(self, kept: object) -> Codec:
        from hardware.cards.zvt import Attempt, ZvtCodec

        return ZvtCodec(self._profile, kept if isinstance(kept, Attempt) else None)

    def keep(self, codec: Codec) -> object:
        return codec.attempt  # type: ignore[attr-defined]


TERMINALS: dict[str, type[Terminal]] = {"pax": Pax, "zvt": Zvt}
NONE = ""
