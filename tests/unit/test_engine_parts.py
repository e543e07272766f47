"""Goal: the small parts around the loop: sockets that never block it, the crash guard, desks, translation."""

import contextlib
import dataclasses
import json
import signal
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hardware.acceptors import contract
from hardware.acceptors.contract import Accepting, Connected, Fault, Identity, PoweredUp
from hardware.printer.status import Lost, PrinterStatus
from kiosk.__main__ import main
from kiosk.brain import commands, events
from kiosk.config.load import load as load_config
from kiosk.config.model import Config
from kiosk.domain.facts import NoteCount, NoteInPayment
from kiosk.domain.snapshot import SCREENS, DeviceHealth, Snapshot, from_json
from kiosk.engine.acceptor import order, teller, translate
from kiosk.engine.clock import SystemClock
from kiosk.engine.closed import GOES_ON, run_closed
from kiosk.engine.desk import ControlDesk, ReaderDesk, ScreenDesk, intent_in, scanner_health
from kiosk.engine.guard import WINDOW_MS, CrashGuard
from kiosk.engine.health import lost_code, tell_health
from kiosk.engine.inbox import Inbox, Job, Told
from kiosk.engine.lines import LineServer, Message, parse
from kiosk.engine.papers import count
from kiosk.engine.printing import health_of
from kiosk.engine.process import Options, prepare, run_engine
from kiosk.engine.watchdog import Watchdog
from kiosk.journal.keys import ENROLMENT_NAME, KEY_NAME, Enrolment, make_key, public_key_text, save_enrolment
from kiosk.scanning.library import load
from tests.unit.journal_bench import append, archive, opened, ready

STOPS = (signal.SIGTERM, signal.SIGINT)


class Caller:
    """The other side of a Unix socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self._lines = self.socket.makefile("rb")

    def say(self, message: Message) -> None:
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def hear(self) -> Any:
        return json.loads(self._lines.readline())

    def ended(self) -> bool:
        return self._lines.readline() == b""


def told(inbox: Inbox) -> Told:
    item = inbox.take(5_000)
    assert isinstance(item, Told)
    return item


def test_a_client_that_does_not_read_gets_only_the_newest_and_blocks_nobody(tmp_path: Path) -> None:
    heard = threading.Event()
    server = LineServer(tmp_path / "s", lambda client, message: heard.set())
    caller = Caller(tmp_path / "s")
    caller.say({"hello": 1})
    assert heard.wait(5)
    for number in range(20_000):
        server.broadcast({"n": number, "pad": "x" * 200}, key="picture")
    last = -1
    while last < 19_999:
        message = caller.hear()
        assert message["n"] > last
        last = message["n"]
    server.close()


def test_what_is_no_json_object_ends_the_connection(tmp_path: Path) -> None:
    server = LineServer(tmp_path / "s", lambda client, message: None)
    caller = Caller(tmp_path / "s")
    caller.socket.sendall(b"[1, 2]\n")
    assert caller.ended()
    server.close()


HALF = b'{"reading":{"payload":"\\ud83d"}}'  # of a surrogate pair: no encoding has it


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"null", b"\xff\xfe", b'"x"', b"{" + b"x" * 2_000_000, b"[" * 500_000, b'{"a":' * 100_000, HALF],
    ids=["empty", "begun", "null", "no text", "string", "long", "deep list", "deep object", "half a character"],
)
def test_parse_survives_anything(line: bytes) -> None:
    assert parse(line) is None


def test_a_character_of_two_halves_is_one() -> None:
    assert parse(b'{"payload":"\\ud83d\\ude00"}') == {"payload": "\U0001f600"}


def test_a_line_without_an_end_is_not_kept(tmp_path: Path) -> None:
    server = LineServer(tmp_path / "s", lambda client, message: None)
    caller = Caller(tmp_path / "s")
    with pytest.raises(ConnectionError):  # it hangs up in the middle
        caller.socket.sendall(b"x" * 4_000_000)
    server.close()


@pytest.mark.parametrize(
    "message",
    [{}, {"intent": 1}, {"intent": {"name": "steal"}}, {"intent": {"name": "key", "value": 5}}, {"intent": {}}],
)
def test_what_is_no_intent_is_none(message: Message) -> None:
    assert intent_in(message) is None


def test_three_unclean_starts_in_ten_minutes_stop_money(tmp_path: Path) -> None:
    guard = CrashGuard(tmp_path / "starts.json", "boot-1")
    assert [guard.started(at) for at in (0, 1_000, 2_000, 3_000)] == [False, False, False, True]
    assert not guard.started(3_000 + WINDOW_MS)
    guard.ended_well()
    assert not guard.started(4_000 + WINDOW_MS)
    assert not CrashGuard(tmp_path / "starts.json", "boot-2").started(0)
    (tmp_path / "starts.json").write_bytes(b"\x00 not json")
    assert not guard.started(0)


def test_a_silent_screen_is_lost_and_comes_back(tmp_path: Path) -> None:
    inbox, now = Inbox(), [0]
    desk = ScreenDesk(tmp_path / "screen", inbox, lambda: now[0])
    desk.beat(0)
    assert told(inbox).values["health"].state == "lost"
    caller = Caller(tmp_path / "screen")
    caller.say({"intent": {"name": "help"}})
    assert told(inbox).kind is events.IntentReceived
    caller.say({"voice": "not installed"})
    assert told(inbox).values["health"] == DeviceHealth("voice", "lost", "", "not installed")
    desk.beat(1_000)
    assert told(inbox).values["health"].state == "ready"
    desk.beat(3_001)
    assert told(inbox).values["health"].state == "lost"
    desk.close()


def test_the_screen_gets_the_present_picture_when_it_connects(tmp_path: Path) -> None:
    desk = ScreenDesk(tmp_path / "screen", Inbox(), lambda: 0)
    picture = Snapshot(3, SCREENS[0], "Riverbend", "Lobby 7")
    desk.publish(picture)
    assert from_json(Caller(tmp_path / "screen").hear()["snapshot"]) == picture
    desk.close()


def test_the_reader_is_trusted_with_nothing(tmp_path: Path) -> None:
    inbox = Inbox()
    desk = ReaderDesk(tmp_path / "reader", inbox, load(("riverbend",)))
    caller = Caller(tmp_path / "reader")
    assert caller.hear() == {"look": "idle"}
    for reading in ({"payload": 5}, {"payload": "x" * 5_000}, {"payload": "123", "symbology": 7}):
        caller.say({"reading": reading})
    caller.say({"reading": {"payload": "hello", "symbology": "qr"}})
    assert told(inbox).kind is events.ScanRefused
    caller.say({"health": {"camera": "ready", "imager": "lost"}})
    assert told(inbox).values["health"].state == "ready"
    desk.look("off")
    assert caller.hear() == {"look": "off"}
    desk.close()


def test_no_source_ready_means_no_scanner() -> None:
    assert scanner_health({"camera": "lost"}).state == "lost"
    assert scanner_health({}).state == "lost"


def test_the_scanners_health_says_why_however_long_the_reader_talks() -> None:
    why = {"imager": "/dev/lobby/imager is held by another process (python3 4417)", "wedge": "x" * 5_000}
    told_health = scanner_health({"camera": "ready", "imager": "lost", "wedge": "lost"}, why)
    assert told_health.state == "ready"
    assert told_health.detail.startswith("camera ready, imager lost (/dev/lobby/imager is held by another process")
    assert len(told_health.detail) < 400
    assert scanner_health({"imager": "lost"}, ["odd"]).detail == "imager lost"
    assert len(scanner_health({"x" * 9_000: "y" * 9_000} | {str(name): 1 for name in range(900)}).detail) < 700


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("/dev/lobby/acceptor is not there", "port_not_there"),
        ("[Errno 2] could not open port /dev/lobby/printer: [Errno 2] No such file or directory", "port_not_there"),
        ("camera lost, imager lost (/dev/lobby/imager is held by another process (cat 4417))", "held_by_another"),
        ("no reply for 5 s", "no_answer"),
        ("no answer to DLE EOT 1", "no_answer"),
        ("what answers does not speak EBDS", "other_device"),
        ("it answers but is not ready after 60 s", "never_ready"),
        ("/dev/lobby/acceptor: read failed: [Errno 5] Input/output error", "line_lost"),
    ],
)
def test_staff_see_a_short_code_for_the_words_of_a_driver(reason: str, code: str) -> None:
    assert lost_code(reason) == code


def test_a_change_of_health_is_in_the_log_and_reaches_the_brain(capsys: pytest.CaptureFixture[str]) -> None:
    inbox = Inbox()
    tell_health(inbox, DeviceHealth("printer", "lost", "lost", "held by another process (cat 4417)"))
    assert told(inbox).values["health"].detail.endswith("(cat 4417)")
    assert "held by another process (cat 4417)" in capsys.readouterr().out
    tell = teller(inbox)
    for event in (
        contract.Lost("not there"),
        PoweredUp(),
        Fault("jammed"),
        Connected(Identity("ebds", "SC83")),
        Accepting(),
    ):
        tell(event)
    logged = capsys.readouterr().out.splitlines()
    assert all(word in line for word, line in zip(("not there", "power_up", "jammed", "SC83"), logged, strict=True))


def test_screen_and_reader_have_a_directory_each_and_missing_devices_are_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = load_config(Path(__file__).parents[2] / "docs" / "kiosk.toml")
    config = dataclasses.replace(
        sample,
        run_dir=tmp_path / "run",
        acceptor=dataclasses.replace(sample.acceptor, port=str(tmp_path / "acceptor")),
    )
    prepare(config)
    prepare(config)  # a restart finds them
    assert config.screen_socket.parent != config.reader_socket.parent
    assert {path.name for path in config.run_dir.iterdir()} == {"screen", "reader"}
    assert f"acceptor.port: {tmp_path / 'acceptor'} is not there" in capsys.readouterr().out


class Shown:
    """A screen on a thread of its own: `reason` is why the kiosk is closed, once it says so."""

    def __init__(self, path: Path) -> None:
        self.reason = ""
        self._path = path
        self._seen = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._seen.wait(0.02):
            with contextlib.suppress(OSError):  # not there yet
                self.reason = Caller(self._path).hear()["snapshot"]["cash_reason"]
                self._seen.set()

    def wait(self) -> bool:
        return self._seen.wait(30)


@pytest.fixture
def handlers() -> Iterator[None]:
    """What a run of the engine changes in its process."""
    kept, interval = {number: signal.getsignal(number) for number in STOPS}, sys.getswitchinterval()
    yield
    sys.setswitchinterval(interval)
    for number, handler in kept.items():
        signal.signal(number, handler)


def closable(tmp_path: Path) -> Config:
    """A configuration of directories below `tmp_path`, which looks at once whether its trouble is gone."""
    sample = load_config(Path(__file__).parents[2] / "docs" / "kiosk.toml")
    (tmp_path / "state").mkdir()
    storage = dataclasses.replace(sample.storage, look_again_s=0.01)
    return dataclasses.replace(sample, run_dir=tmp_path / "run", state_dir=tmp_path / "state", storage=storage)


def test_a_kiosk_without_an_identity_says_so_until_it_has_one(tmp_path: Path, handlers: None) -> None:
    config = closable(tmp_path)
    shown = Shown(config.screen_socket)

    def enrol() -> None:
        if shown.wait():
            key = make_key(config.state_dir / KEY_NAME)
            text = public_key_text(key)
            save_enrolment(
                config.state_dir / ENROLMENT_NAME,
                Enrolment("rb-07", 1, "0" * 64, text, "RB-07", "Riverbend", "UTC", text),
            )

    threading.Thread(target=enrol, daemon=True).start()
    assert run_engine(config, Options(ui="none")) == 0
    assert shown.reason == "not_enrolled"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_that_comes_as_a_closed_kiosk_opens_is_not_lost(tmp_path: Path, handlers: None, number: int) -> None:
    config, before = closable(tmp_path), [signal.getsignal(stop) for stop in STOPS]
    prepare(config)

    def over() -> bool:
        signal.raise_signal(number)
        return True

    inbox = Inbox()
    inbox.job(lambda: None)  # two beats without a wait
    inbox.job(lambda: None)
    closed = partial(run_closed, config, "none", "refilling", SystemClock("UTC"), Watchdog(), inbox, None)
    assert closed(over) == 0
    assert closed(lambda: True) == GOES_ON
    assert [signal.getsignal(stop) for stop in STOPS] == before  # while the journal is read, a stop ends it at once


def test_a_long_start_that_gets_on_is_no_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    systemd.settimeout(10)
    with Watchdog(beat_s=0.001, start_s=0.3).patient() as gets_on:
        for _ in range(400):
            assert systemd.recv(100) == b"WATCHDOG=1"
            gets_on()
        systemd.settimeout(0.3)
        after = 0
        with contextlib.suppress(TimeoutError):  # what has hung is not kept alive
            while after < 2_000:
                after += len(systemd.recv(100)) // len(b"WATCHDOG=1")
    assert after < 2_000


def test_control_is_the_engines_own(tmp_path: Path) -> None:
    desk = ControlDesk(tmp_path / "control", Inbox(), None, intents=False)
    assert stat.S_IMODE((tmp_path / "control").stat().st_mode) == 0o600
    desk.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--socket", "s"], "name a camera, an imager or a wedge"),
        (["--socket", "s", "--camera=", "--imager=", "--wedge=", "--profiles="], "name a camera, an imager or a wedge"),
        (["--socket", "s", "--camera", "/dev/video0"], "a camera is one of v4l2, picamera2, folder"),
        (["--camera", "folder:x"], "--socket"),
        (["--socket", "s", "--camera", "folder:x", "--config", "kiosk.toml"], "--config"),
    ],
)
def test_the_reader_is_told_all_it_needs_and_says_what_is_wrong(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["reader", *arguments])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


def test_control_refuses_touches_in_production(tmp_path: Path) -> None:
    inbox = Inbox()
    desk = ControlDesk(tmp_path / "control", inbox, None, intents=False)
    desk.publish(Snapshot(1, "attract", "Riverbend", "Lobby 7"))
    caller = Caller(tmp_path / "control")
    caller.say({"intent": {"name": "type_account"}})
    assert caller.hear()["ok"] is False
    caller.say({"journal": "verify"})
    assert caller.hear() == {"ok": False, "error": "the journal is not open"}
    assert inbox.take(0) is None
    desk.close()


@pytest.mark.parametrize(("what", "told_of"), [("verify", "report"), ("export", "lines")])
def test_a_look_at_a_running_journal_leaves_turns_for_others_and_survives_pruning(
    tmp_path: Path, what: str, told_of: str
) -> None:
    journal, inbox = opened(tmp_path), Inbox()
    ready(journal, 1_300)
    archive(journal, 900)
    desk = ControlDesk(tmp_path / "control", inbox, journal, intents=False)
    caller = Caller(tmp_path / "control")
    caller.say({"journal": what})
    turns = 0
    while isinstance(job := inbox.take(500), Job):
        job.run()
        turns += 1
        while turns == 2 and journal.prune():
            pass
    answer = caller.hear()
    assert answer["ok"] is True
    assert (answer["report"]["records"] if what == "verify" else answer[told_of].count("\n")) == 401
    assert turns > 6
    desk.close()
    journal.close()


def test_damage_that_an_export_meets_is_its_answer_and_ends_nothing(tmp_path: Path) -> None:
    journal, inbox = opened(tmp_path), Inbox()
    append(journal, 3)
    journal._db.close(True)
    desk = ControlDesk(tmp_path / "control", inbox, journal, intents=False)
    caller = Caller(tmp_path / "control")
    caller.say({"journal": "export"})
    job = inbox.take(5_000)
    assert isinstance(job, Job)
    job.run()
    assert caller.hear()["ok"] is False
    desk.close()


def test_a_client_that_left_at_once_does_not_harm_the_next(tmp_path: Path) -> None:
    server = LineServer(tmp_path / "s", lambda client, message: None, lambda client: client.send({"n": 1}))
    Caller(tmp_path / "s").socket.close()
    assert Caller(tmp_path / "s").hear() == {"n": 1}
    server.close()


def test_every_event_and_command_of_the_contract_is_translated() -> None:
    samples: dict[type[Any], Any] = {
        contract.Connected: contract.Connected(contract.Identity("ebds", table={5: ("USD", 2000)})),
        contract.Lost: contract.Lost("line"),
        contract.NoteEscrowed: contract.NoteEscrowed(3, 5),
        contract.NoteStacked: contract.NoteStacked(1, 5),
        contract.NoteReturned: contract.NoteReturned(1),
        contract.NoteRejected: contract.NoteRejected(1),
        contract.Levels: contract.Levels({5: 2}),
        contract.NotePaidOut: contract.NotePaidOut(1, 2, 5),
        contract.PayoutEnded: contract.PayoutEnded(1, 2, "done"),
        contract.Cashbox: contract.Cashbox(1, {5: 2}),
        contract.Fault: contract.Fault("jammed"),
        contract.FaultCleared: contract.FaultCleared("jammed"),
    }
    for kind in contract.Event.__args__:  # type: ignore[attr-defined]
        brain_kind, values = translate(samples.get(kind) or kind())
        assert issubclass(brain_kind, events.Event)
        assert set(values) == set(brain_kind.__dataclass_fields__) - {"moment"}
    assert translate(samples[contract.Connected])[1]["table"] == ((5, 2000),)
    assert order(commands.StackNote("id", 7)) == contract.StackNote(7)
    assert order(commands.ReturnNote(7)) == contract.ReturnNote(7)
    assert order(commands.EnableAcceptor(frozenset({1}))) == contract.Enable(frozenset({1}))
    assert order(commands.DisableAcceptor()) == contract.Disable()
    assert order(commands.AcknowledgeReport(2)) == contract.Acknowledge(2)
    assert order(commands.Exit()) is None


def test_printer_status_in_words_of_health() -> None:
    assert health_of(Lost("cable")).state == "lost"
    assert health_of(PrinterStatus(online=True, paper="out")).reason == "paper_out"
    assert health_of(PrinterStatus(online=True, paper="low")).state == "ready"


def test_notes_are_counted_by_value_largest_first() -> None:
    notes = tuple(NoteInPayment(str(at), value) for at, value in enumerate((500, 2000, 500)))
    assert count(notes) == (NoteCount(2000, 1), NoteCount(500, 2))


def test_the_inbox_returns_nothing_when_nothing_comes() -> None:
    inbox = Inbox()
    assert inbox.take(0) is None
    inbox.job(lambda: None)
    assert isinstance(inbox.take(0), Job)
