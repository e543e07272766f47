"""What is kept about a note that staff will have to judge: the frames that went over the acceptor's line."""

from kiosk.brain.commands import KeepFrames
from kiosk.brain.events import FramesTaken
from kiosk.brain.state import OpenNote
from kiosk.brain.turn import Turn
from kiosk.domain.facts import DeviceFaultSeen, FramesKept, NoteInDoubt, NoteUnexpected
from kiosk.domain.tenders import PayoutEnded


def keep_frames(turn: Turn, note_before: OpenNote | None) -> None:
    """Ask for the frames when this decision put a note in doubt, found one, or saw a fault with one under way."""
    for fact in turn.facts:
        if isinstance(fact, PayoutEnded) and fact.result == "unknown":
            _ask(turn, fact.payout_id)
            return
        if isinstance(fact, NoteInDoubt | NoteUnexpected):
            _ask(turn, fact.note_id)
            return
    if note_before is not None and _newly_disturbed(turn, note_before):
        _ask(turn, note_before.note_id)


def _ask(turn: Turn, about: str) -> None:
    turn.hear(frames_due=turn.devices.frames_due | {about})
    turn.order(KeepFrames(about))


def _newly_disturbed(turn: Turn, note_before: OpenNote) -> bool:
    """Whether a fault met the note for the first time: a fault that flutters must not fill the journal."""
    if not any(isinstance(fact, DeviceFaultSeen) and fact.device == "acceptor" for fact in turn.facts):
        return False
    return turn.books.note is None or (turn.books.note.disturbed and not note_before.disturbed)


def frames_taken(turn: Turn, event: FramesTaken) -> None:
    turn.hear(frames_due=turn.devices.frames_due - {event.about})
    turn.record(FramesKept("acceptor", event.about, event.frames))
