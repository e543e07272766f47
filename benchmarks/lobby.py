"""A running kiosk to measure: the demo's world with a session open at the cash page."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.demo.steps import Lobby, hold_bill, pay_cash, play_steps
from kiosk.demo.window import Display
from kiosk.demo.world import World

SIZE = (720, 1280)


@contextmanager
def running(*extra: str, acceptor: str = "ebds") -> Iterator[Lobby]:
    """Yield a lobby whose kiosk waits for a resident; `extra` are more arguments of the kiosk."""
    with tempfile.TemporaryDirectory(prefix="lobby-") as folder:
        display = Display(*SIZE)
        world = World(Path(folder), display.name, SIZE, (600, 300), ("--touch-map", *extra), acceptor=acceptor)
        try:
            world.start(bills=12)
            screens = Path(folder) / "screens"
            screens.mkdir()
            lobby = Lobby(world, display, screens)
            lobby.see("the page that waits", 60, screen="attract", cash=True)
            yield lobby
        finally:
            world.stop()
            display.close()


def open_slot(lobby: Lobby, account: str) -> None:
    """Bring the lobby to the cash page of an account that owes more than the notes to come."""
    play_steps(lobby, (hold_bill(account), pay_cash()))
