"""Between a check reader's words and the brain's: masked, on its own thread, over a real pseudo-terminal."""

import json
import queue
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from hardware.checks import contract
from hardware.sim.checkreader import CheckReaderTwin
from kiosk.brain import commands, events
from kiosk.config.model import CheckReader
from kiosk.engine.check_port import CheckPort, order, translate
from kiosk.engine.inbox import Inbox
from kiosk.posting.answers import AccountAnswer

CHECK = contract.Check("111000025", "9876543210", "1045")
SECRET, OTHER = b"a" * 32, b"b" * 32
WAIT_S = 15


def test_the_full_account_number_ends_at_the_port() -> None:
    kind, values = translate(contract.CheckRead(CHECK), SECRET)
    assert kind is events.CheckRead
    assert values["account_last4"] == "3210"
    assert "9876543210" not in json.dumps(values)


def test_a_fingerprint_names_one_check_in_one_run() -> None:
    def fingerprint(check: contract.Check, secret: bytes = SECRET) -> Any:
        return translate(contract.CheckRead(check), secret)[1]["fingerprint"]

    assert fingerprint(CHECK) == fingerprint(CHECK)
    others = [
        contract.Check("111000025", "9876543210", "1046"),
        contract.Check("111000025", "9876543211", "1045"),
        contract.Check("031300012", "9876543210", "1045"),
        contract.Check("111000025", "987654321", "01045"),
    ]
    assert fingerprint(CHECK) not in {fingerprint(other) for other in others}
    assert fingerprint(CHECK) != fingerprint(CHECK, OTHER)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (contract.CheckRefused("foreign"), events.CheckUnread),
        (contract.Connected(contract.Identity("MagTek", "Version 1")), events.CheckReaderConnected),
        (contract.Lost("no answer from the check reader"), events.CheckReaderLost),
    ],
)
def test_every_word_of_the_reader_has_one_of_the_brain(event: contract.Event, kind: type[events.Event]) -> None:
    assert translate(event, SECRET)[0] is kind


def test_orders() -> None:
    assert order(commands.ListenForCheck()) == contract.Listen()
    assert order(commands.RestCheckReader()) == contract.Rest()
    assert order(commands.Exit()) is None


def test_a_check_through_port_and_twin(tmp_path: Path) -> None:
    told: queue.Queue[Any] = queue.Queue()

    class Listening(Inbox):
        def tell(self, kind: type[events.Event], **values: Any) -> None:
            told.put((kind, values))

    def wait(kind: type[events.Event]) -> dict[str, Any]:
        while True:
            heard, values = told.get(timeout=WAIT_S)
            if heard is kind:
                return dict(values)

    with CheckReaderTwin(tmp_path / "port") as twin:
        port = CheckPort(CheckReader(str(tmp_path / "port")), Listening())
        port.submit(contract.Listen())
        port.thread.start()
        try:
            assert wait(events.CheckReaderConnected)["detail"].startswith("MagTek Version")
            twin.handle({"do": "check", "line": "T111000025T 9876543210U 1045"})
            assert wait(events.CheckRead)["number"] == "1045"
            twin.handle({"do": "check", "line": "T111000025T 98?6543210U 1045"})
            assert wait(events.CheckUnread) == {"code": "unreadable"}
        finally:
            port.stop()
            port.thread.join(WAIT_S)
        assert not port.thread.is_alive()


def test_a_check_reader_needs_a_lasting_port() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CheckReader).validate_python({"port": "/dev/ttyUSB0"})


@pytest.mark.parametrize(
    ("said", "refused"), [({}, False), ({"checks": "taken"}, False), ({"checks": "refused"}, True)]
)
def test_the_look_up_says_whose_checks_are_refused(said: dict[str, str], refused: bool) -> None:
    answer = {"account": "t", "last4": "4417", "currency": "USD", "balance_minor": 100, **said}
    account = AccountAnswer.model_validate(answer).to_account()
    assert asdict(account)["checks_refused"] is refused
