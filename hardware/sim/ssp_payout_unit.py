"""The SSP twin's payout unit: a store of notes, and the way out of it (sheet sections 5 and 12)."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from hardware.sim.control import Refused
from hardware.sim.notes import Place
from hardware.sim.ssp_parts import PAYOUT_FAILURES, Event, Settings, SspBody

NOT_ENOUGH, BUSY, DISABLED = 1, 3, 4  # error bytes (7.1)


class Mechanics(Protocol):
    """What the unit needs of the device that it is built into."""

    own: SspBody
    settings: Settings

    @property
    def powered(self) -> bool: ...

    def then(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Do `act` so much later than all that is planned."""

    def standing(self) -> bool:
        """Whether nothing is planned."""

    def stop(self) -> None:
        """Forget what is planned."""

    def queue(self, event: Event) -> None: ...

    def moment(self, name: str) -> None: ...

    def jam(self) -> None: ...

    def power_cut(self) -> None: ...


class PayoutUnit:
    """`stored` are the values that are routed to the store. Power that goes takes all of it, `failure` excepted."""

    def __init__(self, device: Mechanics) -> None:
        self._device = device
        self.failure = ("", 0)  # how the next payout ends, and how many notes still come out before
        self.lose_power()

    def lose_power(self) -> None:
        self.enabled = False
        self.stored: set[int] = set()
        self._to_pay: list[int] = []

    def fail(self, how: str, after: int) -> None:
        """Let the next payout end in one of PAYOUT_FAILURES, after so many notes; "" takes that back."""
        if how not in ("", *PAYOUT_FAILURES) or after < 0:
            raise Refused(f"a payout cannot end as {how!r}; it can be {', '.join(PAYOUT_FAILURES)}")
        self.failure = (how, after)

    def keeps(self, value_minor: int) -> bool:
        """Return whether a note that is taken in goes to the store."""
        room = self._device.own.store.total() < self._device.settings.capacity
        return self.enabled and room and value_minor in self.stored

    def pay_out(self, values: list[int], *, test: bool) -> int:
        """Start to pay these notes out, or only look whether that is possible; return 0 or the error byte."""
        body = self._device.own
        if not self.enabled:
            return DISABLED
        if body.paying or not self._device.standing() or body.place is not Place.NOWHERE:
            return BUSY
        if Counter(values) - body.store:
            return NOT_ENOUGH
        if test:
            return 0
        if self.failure == ("refused", 0):
            self.failure = ("", 0)
            return NOT_ENOUGH  # a note that it had counted is not there
        self._to_pay = sorted(values, reverse=True)
        body.paying, body.paid = sum(values), 0
        self._next_out()
        return 0

    def halt(self) -> bool:
        if not self._device.own.paying:
            return False
        self._break_off("payout_halted")
        return True

    def jammed(self) -> None:
        """The path is blocked: a payout is over, and its note stays where it is."""
        if self._device.own.paying:
            self._device.stop()
            self._end("payout_jammed")

    def back_to_store(self) -> None:
        body = self._device.own
        if body.transit:
            body.store[body.transit] += 1
            body.transit = 0

    def resume(self) -> None:
        """A payout that a power cut broke off is over; the note on its way goes back, or out."""
        body = self._device.own
        if not body.paying:
            return
        if self._device.settings.transit_at_power_up == "out" and body.transit:
            body.handed_out[body.transit] += 1
            body.paid += body.transit
            self._device.queue(Event("dispensed_at_power_up", 0, body.transit))
            body.transit = 0
        self.back_to_store()
        self._end("incomplete_payout")

    def _next_out(self) -> None:
        body = self._device.own
        body.transit = self._to_pay.pop(0)
        body.store[body.transit] -= 1
        self._device.then(self._device.settings.dispense_ms, self._come_out)
        self._device.moment("dispensing")
        how, before = self.failure
        if how and before:
            self.failure = (how, before - 1)
        elif how and how != "refused" and self._device.powered:
            self.failure = ("", 0)
            self._fail(how)

    def _fail(self, how: str) -> None:
        if how == "power_cut":
            self._device.power_cut()
        elif how == "jammed":
            self._device.jam()
        else:
            self._break_off({"halted": "payout_halted", "timed_out": "payout_timeout"}[how])

    def _come_out(self) -> None:
        body = self._device.own
        body.handed_out[body.transit] += 1
        body.paid, body.transit = body.paid + body.transit, 0
        if self._to_pay:
            self._next_out()
        else:
            self._end("dispensed")

    def _break_off(self, name: str) -> None:
        self.back_to_store()
        self._device.stop()
        self._end(name)

    def _end(self, name: str) -> None:
        body = self._device.own
        self._device.queue(Event(name, 0, body.paid, body.paying))
        body.paying = body.paid = 0
        self._to_pay = []
