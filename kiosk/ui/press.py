"""What a finger and the keys mean: action on release inside the target, drag off cancels, one act per double tap."""

from dataclasses import dataclass

from kiosk.domain.intents import Intent
from kiosk.ui.pen import Target

# Acts that move or commit money: a second one within this time is a trembling finger, not a wish (A16).
MONEY = frozenset(
    ("pay_full", "pay_past_due", "pay_cash", "allow_credit", "stop", "put_in_more", "confirm", "done", "reprint")
)
DEBOUNCE_S = 0.5


@dataclass
class Press:
    """One finger on one page. Positions in pixels from the upper left corner, times in monotonic seconds."""

    targets: list[Target]
    held: Target | None = None
    inside: bool = False
    _finger: object = None
    _last: tuple[str, float] = ("", float("-inf"))

    def down(self, finger: object, x: float, y: float) -> Target | None:
        """Return the target that is pressed now. A second finger while one is down does nothing."""
        if self._finger is not None:
            return None
        self._finger = finger
        self.held = next((target for target in self.targets if target.box.holds(x, y)), None)
        self.inside = self.held is not None
        return self.held

    def move(self, finger: object, x: float, y: float) -> None:
        if finger == self._finger and self.held:
            self.inside = self.held.box.holds(x, y)

    def up(self, finger: object, x: float, y: float, now_s: float) -> Target | None:
        """Return the target to act on, None when the finger left it or it was just acted on."""
        if finger != self._finger:
            return None
        held, self.held, self._finger = self.held, None, None
        inside, self.inside = held is not None and held.box.holds(x, y), False
        return held if held and inside and self.allows(held.intent, now_s) else None

    def allows(self, intent: Intent | None, now_s: float) -> bool:
        """Return False for a repeat of the same money act within the time of a double tap."""
        if intent is None or intent.name not in MONEY:
            return True
        name, at = self._last
        if name == intent.name and now_s - at < DEBOUNCE_S:
            return False
        self._last = (intent.name, now_s)
        return True

    def renew(self, targets: list[Target]) -> None:
        """The page was drawn anew. A finger that is down keeps its target only if the same act is still there."""
        self.targets = targets
        if self.held is not None:
            self.held = next((t for t in targets if t.intent == self.held.intent and t.intent is not None), None)
            self.inside = self.inside and self.held is not None
