"""Goal: what the journal lies on is watched: room, writability and speed are told once, and in time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.engine import storage
from kiosk.engine.guard import CrashGuard
from kiosk.engine.storage import LOOK_EVERY_MS, PROBE_EVERY_MS, Limits, Room, Storage, probe, room_at, unfit
from kiosk.journal.errors import JournalUnwritable

LIMITS = Limits(warn_free=50, refuse_free=20, slow_ms=500)


class Bench:
    """A medium whose room and speed are given."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.room: Room | OSError = Room(1000)
        self.probe_ms = 10
        self.probes = 0
        self.storage = Storage(self._room, self._probe, LIMITS)

    def _room(self) -> Room:
        if isinstance(self.room, OSError):
            raise self.room
        return self.room

    def _probe(self) -> None:
        self.probes += 1
        self.now_ms += self.probe_ms

    def look(self, free: int | None = None) -> str | None:
        """Look when it is due again; return what was told: its reason, with "!" if money is refused."""
        if free is not None:
            self.room = Room(free)
        self.now_ms += LOOK_EVERY_MS
        health = self.storage.look(self.now_ms)
        return health and health.reason + ("!" if health.state == "faulted" else "")

    def rest(self) -> None:
        self.now_ms += PROBE_EVERY_MS
        self.storage.rest(lambda: self.now_ms)


def test_room_is_warned_of_refused_and_given_back_and_told_once() -> None:
    bench = Bench()
    told = [bench.look(free) for free in (60, 60, 49, 49, 19, 21, 24, 25, 60)]
    assert told == [None, None, "disk_low", None, "disk_full!", None, None, "disk_low", ""]


def test_read_only_and_dead_media_are_named() -> None:
    bench = Bench()
    bench.room = Room(1000, read_only=True)
    assert bench.look() == "disk_read_only!"
    bench.room = OSError(5, "Input/output error")
    assert bench.look() == "disk_failed!"
    bench.room = Room(1000)
    assert bench.look() == ""


def test_it_is_looked_at_now_and_then_only() -> None:
    bench = Bench()
    assert bench.look(19) == "disk_full!"
    bench.room = Room(1000)
    assert bench.storage.look(bench.now_ms + LOOK_EVERY_MS - 1) is None


@pytest.mark.parametrize("ms", [50, 500])
def test_a_commit_within_the_limit_is_not_slow(ms: int) -> None:
    bench = Bench()
    bench.storage.took(ms)
    assert bench.look() is None


@pytest.mark.parametrize("ms", [501, 1_000, 10_000])
def test_a_slow_commit_stops_cash_until_three_in_a_row_are_fast(ms: int) -> None:
    bench = Bench()
    bench.storage.took(ms)
    assert bench.look() == "disk_slow!"
    for took in (10, 10, ms, 10, 10):
        bench.storage.took(took)
        assert bench.look() is None
    bench.storage.took(10)
    assert bench.look() == ""


def test_while_nothing_is_written_a_probe_finds_out() -> None:
    bench = Bench()
    bench.rest()
    assert bench.probes == 0, "a healthy medium is left alone"
    bench.storage.took(600)
    bench.look()
    bench.probe_ms = 700
    bench.rest()
    bench.storage.rest(lambda: bench.now_ms)
    assert bench.probes == 1, "not more often than agreed"
    bench.probe_ms = 10
    for _ in range(3):
        assert bench.look() is None
        bench.rest()
    assert (bench.probes, bench.look()) == (4, "")


def test_a_full_disk_is_graver_than_a_slow_one() -> None:
    bench = Bench()
    bench.storage.took(600)
    assert bench.look(10) == "disk_full!"
    assert bench.look(60) == "disk_slow!"


def test_the_real_file_system_tells_its_room_and_takes_a_probe(tmp_path: Path) -> None:
    assert room_at(tmp_path).free > 0
    assert not room_at(tmp_path).read_only
    assert unfit(tmp_path, allow_volatile=True) == ""
    assert (tmp_path / storage.PROBE_NAME).stat().st_size <= 4096
    with pytest.raises(JournalUnwritable):
        probe(tmp_path / "nowhere")
    assert unfit(tmp_path / "nowhere") == "disk_failed"


def test_a_medium_that_forgets_is_the_wrong_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "VOLATILE", {storage.SYSTEM.filesystem(tmp_path)})
    assert unfit(tmp_path) == "wrong_medium"
    assert unfit(tmp_path, allow_volatile=True) == ""


def test_no_room_for_a_start_or_for_another_name_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list(os.statvfs(tmp_path))
    monkeypatch.setattr(storage, "START_FREE", 1 << 60)
    assert unfit(tmp_path, allow_volatile=True) == "disk_full"
    monkeypatch.setattr(storage, "START_FREE", 1)
    files, favail = 5, 7  # their places in statvfs_result
    seen[files], seen[favail] = 1000, 3
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(seen))
    assert unfit(tmp_path, allow_volatile=True) == "disk_full"


def test_a_start_that_cannot_be_counted_goes_on(tmp_path: Path) -> None:
    assert not CrashGuard(tmp_path / "nowhere" / "starts.json", "boot-1").started(0)


def test_a_first_thread_that_dies_ends_the_process_though_others_run() -> None:
    program = """
import threading, time
from kiosk.engine.process import die_on_failure
die_on_failure()
threading.Thread(target=time.sleep, args=(600,)).start()
raise RuntimeError("the journal takes no more")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 70
    assert "the journal takes no more" in done.stderr
