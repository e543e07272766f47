"""When nobody does anything: ask, wait, then put the money where it belongs (accessibility T1 to T4)."""

from kiosk.brain.turn import Turn

# Stages in which silence is normal or has a timer of its own.
_UNTIMED = ("starting", "attract", "closing", "done", "finding")


def awake(turn: Turn) -> None:
    """Somebody is there: start the idle time anew."""
    if turn.scene.idle_left_s:
        turn.show(idle_left_s=0)
        turn.stop("idle_tick")
    stage = turn.scene.stage
    begun = turn.scene.help_open or (stage == "attract" and turn.books.session_id)
    if stage in _UNTIMED and not begun:
        turn.stop("idle")
    elif turn.books.note is None or stage.startswith("staff"):
        turn.start("idle", idle_ms(turn))


def still(turn: Turn) -> None:
    """Something of ours is under way, a note or a question: never time out while it is (T4)."""
    turn.show(idle_left_s=0)
    turn.stop("idle")
    turn.stop("idle_tick")


def idle_ms(turn: Turn) -> int:
    """Return the idle time; it doubles with sound or larger text in use (T3)."""
    times, scene = turn.settings.timeouts, turn.scene
    if scene.stage.startswith("staff"):
        return times.staff_idle
    return times.idle * (2 if scene.sound or scene.text_size else 1)
