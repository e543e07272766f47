"""The card terminal beside the closed loop: PAX codec and twin in virtual time, with the driver's part between them."""

from collections.abc import Callable
from typing import Any

from hardware.cards import contract
from hardware.cards.pax import PaxCodec
from hardware.cards.pax import Settings as HostSettings
from hardware.sim.pax_parts import Settings as TwinSettings
from kiosk.brain import commands, events
from kiosk.engine.card import order, translate
from kiosk.engine.card_patience import Begun, Patience
from tests.protocol.pax_bench import PaxTwin

REOPEN_MS = 500


class CardEnd:
    """`tell` is the engine's inbox. The twin outlives the host; who comes to it is sent by `twin.customer`."""

    def __init__(self, clock_ms: Callable[[], int], tell: Callable[..., None]) -> None:
        self.twin = PaxTwin(TwinSettings(default="nobody"), notices=True)
        self.plugged = True
        self.line_whole = True  # behind the adapter; a cut there is silence
        self.frames = 0  # written by either side
        self.sever: Callable[[int], None] = lambda frame: None  # told of each frame before it travels
        self._clock_ms, self._tell = clock_ms, tell
        self._open = False
        self._open_at_ms = 0
        self._later: list[tuple[int, Callable[[], None]]] = []
        self.twin.power_on()

    def start(self) -> None:
        """A host process starts."""
        self.codec = PaxCodec(HostSettings(link="tcp"))
        self._later.clear()
        self._patience = Patience(self._give, self._never_began, lambda: self._clock_ms() / 1_000, self._in)
        self._open = False
        self._try()

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        self._later.append((self._clock_ms() + int(seconds * 1_000), act))

    # What the engine orders

    def carry_out(self, command: commands.Command) -> None:
        wanted = order(command)
        if wanted is not None:
            self._patience.ordered(wanted)
            self._give(wanted)

    def _give(self, command: contract.Command) -> None:
        try:
            self.codec.command(command)
        except contract.Refused as refusal:
            self._patience.refused(command, refusal)

    def _never_began(self, command: Begun, reason: str) -> None:
        values: dict[str, Any] = {"operation": type(command).__name__.lower(), "reference": command.reference}
        self._tell(events.CardEnded, report=0, result=contract.NOT_STARTED, reason=reason, **values)

    # The line

    def due_ms(self) -> int:
        due = [self.codec.due_ms() if self._open else self._open_at_ms, *(at for at, _ in self._later)]
        return min(due) if self.plugged or self._later else self._clock_ms() + REOPEN_MS

    def serve(self, dt_ms: int) -> None:
        """Let time pass, and carry what is due in both directions."""
        now = self._clock_ms()
        ripe = [act for at, act in self._later if at <= now]
        self._later = [(at, act) for at, act in self._later if at > now]
        for act in ripe:
            act()
        self.twin.step(dt_ms)
        if not self._open and now >= self._open_at_ms:
            self._try()
        heard = False
        for data in self.twin.take():
            if self._travels():
                heard = True
                self._hear(self.codec.feed(data, now))
        if self._open and (heard or self.codec.due_ms() <= now):
            data, told = self.codec.tick(now)
            self._hear(told)
            if data and self._travels():
                self.twin.feed(data)

    def _travels(self) -> bool:
        """Return whether a frame that is written now arrives."""
        if self._open and self.line_whole:
            self.frames += 1
            self.sever(self.frames)
        return self._open and self.line_whole

    def _hear(self, heard: list[contract.Event]) -> None:
        for event in heard:
            kind, values = translate(event)
            if isinstance(event, contract.Lost):
                self._lost(event.reason)
                return
            self._tell(kind, **values)

    def _try(self) -> None:
        self._open_at_ms = self._clock_ms() + REOPEN_MS
        if self.plugged:
            self._open = True
            self.twin.connected()
            self.codec.line_opened(self._clock_ms())

    def _lost(self, reason: str) -> None:
        self._open, self._open_at_ms = False, self._clock_ms() + REOPEN_MS
        self._patience.lost()
        self.twin.disconnected()
        kind, values = translate(contract.Lost(reason))
        self._tell(kind, **values)

    # Hands

    def pull(self) -> None:
        """The port vanishes with its adapter."""
        self.plugged = False
        if self._open:
            self._lost("the port is gone")

    def cut(self) -> None:
        """The cable is cut, and nobody is told."""
        self.line_whole = False

    def mend(self) -> None:
        self.plugged = self.line_whole = True
        self.twin.power_on()
