"""What POLL WITH ACK told: each event comes again with every poll until EVENT ACK was answered (sheet 9.2)."""

from hardware.acceptors.ssp.events import NEEDS_NO_ACK, Code, Told


class Acks:
    """`due`: an EVENT ACK is to be sent next. `known`: the device knows the command, as far as we know."""

    def __init__(self) -> None:
        self.due = False
        self.known = True
        self._unconfirmed: list[Told] = []

    def answered(self) -> None:
        """The device has nothing to repeat: what it tells from here on is new."""
        self._unconfirmed.clear()

    def unheard(self, told: list[Told]) -> list[Told]:
        """Return what of `told` is new."""
        fresh: list[Told] = []
        known = list(self._unconfirmed)
        for event in told:
            if event.code == Code.READ and event.channel:
                known.clear()  # with an event pending the device takes no further note
                self._unconfirmed.clear()
            if event in known:
                known.remove(event)
                self.due = True
                continue
            fresh.append(event)
            if event.code not in NEEDS_NO_ACK:
                self._unconfirmed.append(event)
                self.due = True
        return fresh
