"""The day end of a ZVT terminal through the whole kiosk: timer, engine, port and driver, with a twin behind TCP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hardware.sim.zvt import TcpPort, ZvtTwin
from kiosk.brain import events
from kiosk.config.model import Card
from tests.flows.test_cards import Lobby


@pytest.fixture
def terminal() -> Iterator[ZvtTwin]:
    with ZvtTwin(TcpPort(0)) as twin:
        twin.handle({"do": "everybody", "does": "approve"})
        yield twin


@contextmanager
def lobby(folder: Path, terminal: ZvtTwin) -> Iterator[Lobby]:
    """It is 13:42 in there."""
    made = Lobby(folder, Card("zvt", terminal.address), batch_at="13:00")
    try:
        yield made.start()
    finally:
        made.stop()


def pay(kiosk: Lobby) -> None:
    kiosk.to_card()
    kiosk.done()
    kiosk.touch("done")


def strike(kiosk: Lobby) -> None:
    kiosk.tell(events.TimerFired, name="batch")


def test_the_days_cards_are_closed_in_their_time_and_cards_go_on(tmp_path: Path, terminal: ZvtTwin) -> None:
    with lobby(tmp_path, terminal) as kiosk:
        pay(kiosk)
        strike(kiosk)
        assert not kiosk.engine.state.devices.batch
        kiosk.clock.day = 1
        strike(kiosk)
        kiosk.until("day end", lambda: kiosk.bodies("BatchClosed"))
        (closed,) = kiosk.bodies("BatchClosed")
        sums = {"result": "approved", "count": 1, "total_minor": 5318, "business_date": "2026-11-24", "by": ""}
        assert closed.items() >= sums.items()
        assert terminal.handle({"do": "state"})["batches_closed"] == 1
        pay(kiosk)
        strike(kiosk)
        assert len(kiosk.bodies("CardSaleApproved")) == 2
        assert not kiosk.engine.state.devices.batch, "once a day"
