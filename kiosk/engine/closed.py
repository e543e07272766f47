"""When no money may be taken at all: a page that says so, posting if the journal is whole, and the watchdog fed."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

from kiosk.config.model import Config
from kiosk.domain.snapshot import Snapshot
from kiosk.engine.clock import Clock
from kiosk.engine.desk import ScreenDesk
from kiosk.engine.inbox import Inbox, Job
from kiosk.engine.watchdog import Watchdog

BEAT_MS = 1_000
GOES_ON = -1


class Posting(Protocol):
    """What still runs: the journal is drained, nothing is added. `health` goes out with each heartbeat."""

    health: dict[str, Any]

    def start(self, engine: None) -> None: ...

    def stop(self) -> None: ...


def run_closed(
    config: Config,
    ui: str,
    reason: str,
    clock: Clock,
    watchdog: Watchdog,
    inbox: Inbox,
    city: Posting | None,
    over: Callable[[], bool] = lambda: False,
) -> int:
    """Show that the kiosk is out of service because of `reason` until stopped, or until a beat finds it `over`.

    Devices are not touched. `city` is None while nothing may be posted, or when not even the kiosk's key can be read.
    Returns the exit code, GOES_ON when it is over: from then on a stop ends the process as it did before.
    """
    stopped: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(signum)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    screen = ScreenDesk(config.screen_socket, inbox, clock.mono_ms, ui != "none")
    picture = Snapshot(
        revision=1,
        screen="out_of_service",
        city=config.office.name,
        kiosk=config.kiosk.name,
        language=config.kiosk.language,
        online=city is not None,
        cash=False,
        cash_reason=reason,
        reasons=(reason,),
    )
    screen.publish(picture)
    if city is not None:
        city.health = {"screen": picture.screen, "reasons": [reason]}
        city.start(None)
    watchdog.ready(f"out of service: {reason}")
    ended = False
    while not stopped and not ended:
        watchdog.beat(clock.mono_ms())
        item = inbox.take(BEAT_MS)
        if isinstance(item, Job):
            item.run()
        ended = over()
    if city is not None:
        city.stop()
    screen.close()
    for number, handler in before.items():
        signal.signal(number, handler)
    return GOES_ON if ended and not stopped else 0
