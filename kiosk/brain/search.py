"""Staff end the search for a card transaction of which nobody knows how it ended.

A terminal that is broken or gone never answers, and no card could be taken here for good. The memo of it stays open at
the city, where two people settle it with the processor's word. Should the terminal tell of it after all, that counts.
"""

from kiosk.brain.card import stop_looking
from kiosk.brain.state import Attempt, State
from kiosk.brain.turn import Turn
from kiosk.domain.tenders import CardSearchEnded


def sought(state: State) -> Attempt | None:
    """Return what is looked for: nobody waits for it at the terminal any more."""
    attempt = state.books.attempt
    waited_for = state.scene.stage in ("card", "staff_refunding")
    return attempt if attempt is not None and attempt.state == "unknown" and not waited_for else None


def show_search(turn: Turn, value: str) -> None:
    del value
    if sought(turn.state) is not None:
        turn.show(stage="staff_search", notice="")


def end_search(turn: Turn, value: str) -> None:
    del value
    attempt = sought(turn.state)
    if attempt is not None:
        turn.record(CardSearchEnded(attempt.payment_id, attempt.reference, attempt.operation, turn.books.staff))
        stop_looking(turn)
    turn.show(stage="staff_cards", notice="search_ended" if attempt is not None else "")
