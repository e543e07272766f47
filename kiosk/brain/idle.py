"""When nobody does anything: ask, wait, then put the money where it belongs (accessibility T1 to T4)."""

from kiosk.brain.turn import Turn

# Stages in which silence is normal or has a timer of its own.
_UNTIMED = ("starting", "attract", "card", "closing", "done", "finding", "staff_refunding")


def awake(turn: Turn) -> None:
    """Somebody is there: start the idle time anew."""
    if turn.scene.idle_left_s:
        turn.show(idle_left_s=0)
        turn.stop("idle_tick")
    stage = turn.scene.stage
    begun = turn.scene.help_open or _claiming(turn) or (stage == "attract" and _touched(turn))
    if stage in _UNTIMED and not begun:
        turn.stop("idle")
    elif turn.books.note is None or stage.startswith("staff"):
        turn.start("idle", idle_ms(turn))


def _claiming(turn: Turn) -> bool:
    """A number that waits to be confirmed after its session waits without asking."""
    claim = turn.scene.claim
    return claim is not None and not (claim.pinned and not turn.books.session_id)


def _touched(turn: Turn) -> bool:
    """Somebody began, or changed how the waiting page looks to read it."""
    scene, plain = turn.scene, (turn.settings.language, "light", 0, False)
    return bool(turn.books.session_id) or (scene.language, scene.theme, scene.text_size, scene.sound) != plain


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
