"""Goal: failpoints act at the moment and time they name, on the real journal, and never in production."""

import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.__main__ import FAILPOINT, main
from kiosk.brain import commands
from kiosk.domain.facts import SessionOpened
from kiosk.engine.failpoint import Failpoint, Failpoints, FailpointWrong, parse
from kiosk.journal.record import Moment
from kiosk.journal.store import Journal

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "docs" / "kiosk.toml"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

# Appends, and says so only after append has returned.
WRITER = """
import sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kiosk.domain.facts import SessionOpened
from kiosk.engine.failpoint import Failpoints
from kiosk.journal.record import Moment
from kiosk.journal.store import Journal

key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
journal = Journal.open(Path(sys.argv[1]), key=key, kiosk_id="rb-07", epoch=1, nonce="ab" * 32, allow_volatile=True)
journal = Failpoints(sys.argv[2]).journal(journal)
for number in range(5):
    moment = Moment(f"entry-{journal.head.seq}", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, number)
    print(journal.append([(SessionOpened(f"session-{number}"), moment)])[0].seq, flush=True)
"""


@dataclass
class Deaths:
    """Stands in for the end of the process."""

    count: int = 0

    def __call__(self) -> None:
        self.count += 1


@dataclass
class Busy:
    """Hands that remember what they carried out, and when."""

    done: list[Any] = field(default_factory=list)

    def carry_out(self, command: Any, state: Any, records: Any) -> None:
        self.done.append(command)

    def publish(self, picture: Any) -> None:
        self.done.append(picture)

    def committed(self, records: Any) -> None:
        self.done.append(records)

    def beat(self, now_ms: int) -> None:
        self.done.append(now_ms)


def opened(path: Path) -> Journal:
    return Journal.open(path, key=KEY, kiosk_id="rb-07", epoch=1, nonce="ab" * 32, allow_volatile=True)


def append(journal: Journal) -> int:
    moment = Moment(f"entry-{journal.head.seq}", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, 0)
    return journal.append([(SessionOpened("session"), moment)])[0].seq


def test_what_the_environment_says_is_read() -> None:
    assert parse("journal.append:7:kill, journal.sync:0:delay_ms=50,command:1:count=/x:y") == (
        Failpoint("journal.append", 7, "kill"),
        Failpoint("journal.sync", 0, "delay_ms=50"),
        Failpoint("command", 1, "count=/x:y"),
    )


@pytest.mark.parametrize(
    "text", ["journal.append", "journal.append:7", "journal.append:x:kill", "journal:7:kill", "command:1:delay_ms=-1"]
)
def test_what_is_no_failpoint_is_refused(text: str) -> None:
    with pytest.raises(FailpointWrong, match="is no failpoint"):
        Failpoints(text)


@pytest.mark.parametrize(("moment", "kept"), [("journal.before_append", 2), ("journal.sync", 3), ("journal.append", 3)])
def test_the_process_is_killed_at_the_third_append(tmp_path: Path, moment: str, kept: int) -> None:
    path = tmp_path / "journal.db"
    command = [sys.executable, "-c", WRITER, str(path), f"{moment}:3:kill"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["1", "2"]
    journal = opened(path)
    assert journal.head.seq == kept
    journal.close()


def test_a_file_arms_a_process_that_runs_and_is_gone_before_the_kill(tmp_path: Path) -> None:
    orders, deaths = tmp_path / "orders", Deaths()
    journal = Failpoints(f"@{orders}", deaths).journal(opened(tmp_path / "journal.db"))
    append(journal)
    orders.write_text("journal.append:2:kill", encoding="utf-8")
    assert (append(journal), deaths.count, orders.exists()) == (2, 0, True)
    assert (append(journal), deaths.count, orders.exists()) == (3, 1, False)
    append(journal)
    orders.write_text("journal.append:1:kill", encoding="utf-8")
    assert (append(journal), deaths.count) == (5, 2)
    journal.close()


def test_appends_are_counted(tmp_path: Path) -> None:
    counted = tmp_path / "count"
    journal = Failpoints(f"journal.append:0:count={counted}").journal(opened(tmp_path / "journal.db"))
    for _ in range(3):
        append(journal)
    assert counted.read_text(encoding="ascii") == "3"
    journal.close()


def test_a_slow_disk_is_slow_at_appends_and_checkpoints(tmp_path: Path) -> None:
    journal = Failpoints("journal.sync:0:delay_ms=20").journal(opened(tmp_path / "journal.db"))
    for sync in (lambda: append(journal), journal.checkpoint):
        began = time.monotonic()
        sync()
        assert time.monotonic() - began >= 0.02
    journal.close()


def test_a_kill_before_a_command_comes_before_it() -> None:
    busy, deaths = Busy(), Deaths()
    hands = Failpoints("command:2:kill", deaths).hands(busy)
    order: Any = commands.DisableAcceptor()
    hands.carry_out(order, None, [])  # type: ignore[arg-type]
    assert deaths.count == 0
    hands.carry_out(order, None, [])  # type: ignore[arg-type]
    assert deaths.count == 1
    hands.committed([])
    hands.beat(7)
    assert busy.done == [order, order, [], 7]


def test_production_refuses_failpoints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(FAILPOINT, "journal.append:7:kill")
    for command in ([], ["engine"]):
        with pytest.raises(SystemExit) as stop:
            main([*command, "--config", str(SAMPLE)])
        assert stop.value.code == 2
        assert "refused when production" in capsys.readouterr().err


def test_what_is_no_failpoint_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "kiosk.toml"
    sample = SAMPLE.read_text(encoding="utf-8")
    assert "production = true" in sample
    config.write_text(sample.replace("production = true", "production = false"), encoding="utf-8")
    monkeypatch.setenv(FAILPOINT, "journal.append:seven:kill")
    with pytest.raises(SystemExit) as stop:
        main(["check", "--config", str(config)])
    assert stop.value.code == 2
    assert "is no failpoint" in capsys.readouterr().err


def test_a_kiosk_without_failpoints_loads_nothing_of_them() -> None:
    look = "import sys, kiosk.__main__, kiosk.engine.process; sys.exit('kiosk.engine.failpoint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=False).returncode == 0
