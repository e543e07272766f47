"""What keeps the terminal from taking cards, and what ended it."""

from hardware.cards.contract import Event, Fault, FaultCleared

READY = 0x00
BUSY = "busy"
CODES = {
    0x9C: BUSY,
    0xA0: BUSY,
    0xBF: "printer",
    0xCC: "printer",
}  # by the status of an enquiry; any other: out_of_service

# Found out once and not undone by a good status: a terminal that is not ours, or that says what it must not.
LASTING = ("wrong_terminal", "store_and_forward")


class Faults:
    """The faults that hold, by code, with their detail."""

    def __init__(self) -> None:
        self.holding: dict[str, str] = {}

    def restart(self) -> list[Event]:
        """The terminal is met anew: what lasts has to be found out again."""
        return self._clear([code for code in LASTING if code in self.holding])

    def raised(self, code: str, detail: str) -> list[Event]:
        if self.holding.get(code) == detail:
            return []
        self.holding[code] = detail
        return [Fault(code, detail)]

    def status(self, status: int) -> list[Event]:
        """Take the status of an enquiry, or the code with which one was refused."""
        code = "" if status == READY else CODES.get(status, "out_of_service")
        gone = self._clear([held for held in self.holding if held not in (*LASTING, code)])
        return gone + (self.raised(code, f"{status:02X}") if code else [])

    def no_longer_busy(self) -> list[Event]:
        return self._clear([held for held in self.holding if held == BUSY])

    @property
    def lasting(self) -> str:
        """The lasting fault that forbids a sale, "" if none does."""
        return next((code for code in LASTING if code in self.holding), "")

    def _clear(self, codes: list[str]) -> list[Event]:
        for code in codes:
            del self.holding[code]
        return [FaultCleared(code) for code in codes]
