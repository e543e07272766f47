"""Goal: the real kiosk on a real disk that fills up, is read-only, dies or is slow: no cent is lost, the page says why.

Method: the state directory of the demo's kiosk lies on an ext4 of its own in a file. That takes root and loop devices;
without them the tests say so and are skipped. One world for all tests of this module, each begins and ends at the page
that waits.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kiosk.demo.world import World
from tests.system.test_kiosk import Kiosk

pytestmark = pytest.mark.xdist_group("storage")

DISK_BYTES = 128 << 20
SHUT_DOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN: from now on every access fails, as on a disk that died
WATCHDOG_MS = 6_000  # to a sync of 2 s what 30 s are to one of 10 s


def run(*command: str) -> str:
    """Run a program of the system; what it says when it fails, else ""."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{' '.join(command)}: {done.stderr.strip()}" if done.returncode else ""


class RealDisk:
    """An ext4 in a file, mounted at `folder`."""

    def __init__(self, image: Path, folder: Path) -> None:
        self._image, self.folder = image, folder
        folder.mkdir(parents=True, exist_ok=True)
        with image.open("wb") as file:
            file.truncate(DISK_BYTES)

    def mount(self) -> str:
        """Make the file system and mount it; why it could not be, else ""."""
        if os.geteuid() != 0:
            return "only root may mount"
        return run("mkfs.ext4", "-q", str(self._image)) or self._mount()

    def _mount(self) -> str:
        return run("mount", "-o", "loop", str(self._image), str(self.folder))

    def remount(self, how: str) -> str:
        return run("mount", "-o", f"remount,{how}", str(self.folder))

    def fill(self, leave: int) -> None:
        """Let only `leave` bytes be free."""
        seen = os.statvfs(self.folder)
        with (self.folder / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, seen.f_bavail * seen.f_frsize - leave)

    def empty(self) -> None:
        (self.folder / "filler").unlink()

    def shut_down(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUT_DOWN, b"\0\0\0\0")
        finally:
            os.close(handle)

    def replace(self) -> None:
        """Take it off and put it on again: it works as before, with what was synced."""
        assert run("umount", "-l", str(self.folder)) == ""
        assert self._mount() == ""

    def unmount(self) -> None:
        run("umount", "-l", str(self.folder))


class Systemd:
    """Listens for what the engine tells systemd, and keeps the longest silence between two beats."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.beats: list[float] = []
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        while True:
            if b"WATCHDOG=1" in self._socket.recv(4096):
                self.beats.append(time.monotonic())

    def longest_ms(self, since: float) -> float:
        beats = [since, *(beat for beat in self.beats if beat > since), time.monotonic()]
        return 1000 * max(after - before for before, after in pairwise(beats))


class StorageWorld(World):
    """The demo's machines with a kiosk that looks at its disk more often than every half minute."""

    def _write_config(self) -> None:
        super()._write_config()
        with self.config.open("a", encoding="utf-8") as file:
            file.write("\n[storage]\nlook_again_s = 1\n")


class StorageKiosk(Kiosk):
    """A kiosk whose disk and whose syncs can be spoiled."""

    disk: RealDisk
    systemd: Systemd
    slowness: Path

    def closed(self, reason: str) -> None:
        """Wait until a screen would be told that the kiosk is closed because of `reason`."""
        screen = self.world.base / "run" / "screen" / "screen.sock"
        self.world.wait_until(f"the page for {reason}", lambda: picture(screen).get("cash_reason") == reason, 60)

    def comes_back(self) -> None:
        """Wait until a new start takes money again; the picture of the one before may still be known."""
        control = self.world.base / "run" / "control.sock"
        self.world.wait_until("a new start", lambda: picture(control).get("screen") == "attract", 60)
        self.see(screen="attract", cash=True)


@pytest.fixture(scope="module")
def kiosk() -> Iterator[StorageKiosk]:
    with tempfile.TemporaryDirectory(prefix="lobby-") as folder, pytest.MonkeyPatch.context() as environment:
        base = Path(folder)
        disk = RealDisk(base / "disk.img", base / "kiosk")
        refused = disk.mount()
        if refused:
            print(f"no disk of our own here: {refused}")
            pytest.skip(refused)
        world = StorageWorld(base, "", extra=("--ui", "none"))
        try:
            kiosk = StorageKiosk(world)
            kiosk.disk, kiosk.slowness = disk, base / "slowness"
            kiosk.systemd = Systemd(base / "notify")
            environment.setenv("NOTIFY_SOCKET", str(base / "notify"))
            environment.setenv("WATCHDOG_USEC", str(WATCHDOG_MS * 1000))
            environment.setenv("KIOSK_FAILPOINT", f"@{kiosk.slowness}")
            world.start(bills=12)
            yield kiosk
        finally:
            world.stop()
            disk.unmount()


def test_a_disk_that_fills_up_ends_cash_and_keeps_what_is_in(kiosk: StorageKiosk) -> None:
    kiosk.to_cash("10293843")
    kiosk.insert(1000)
    kiosk.see(payment__in_minor=1000)
    kiosk.disk.fill(leave=10_000_000)
    kiosk.see(cash=False, cash_reason="disk_full", notice="cash_unsafe", payment__allowed_minor=[])
    assert kiosk.stop_short()["paid_minor"] == 1000
    kiosk.touch("done")
    kiosk.see(screen="out_of_service", cash_reason="disk_full")
    kiosk.agree()
    kiosk.disk.empty()
    kiosk.see(screen="attract", cash=True)


def test_a_start_on_a_full_disk_says_so_and_comes_back_by_itself(kiosk: StorageKiosk) -> None:
    kiosk.see(screen="attract", cash=True)
    kiosk.disk.fill(leave=1_000_000)
    kiosk.world.kill("engine", signal.SIGKILL)
    kiosk.closed("disk_full")
    kiosk.disk.empty()
    kiosk.comes_back()


def test_a_read_only_disk_is_posted_from_and_nothing_else(kiosk: StorageKiosk) -> None:
    """The payment that the city does not have yet reaches it from a medium that takes no byte any more."""
    kiosk.world.twin("network").ask("down")
    kiosk.see(60, online=False)
    kiosk.to_cash("99678526")
    kiosk.insert(5000)
    kiosk.see(payment__in_minor=5000)
    kiosk.stop_short()
    kiosk.leave()
    kiosk.world.processes.stop("kiosk", 60)
    assert kiosk.disk.remount("ro") == ""
    kiosk.world.processes.python("kiosk", "kiosk", "--config", str(kiosk.world.config), "--ui", "none")
    kiosk.closed("disk_read_only")
    kiosk.world.twin("network").ask("up")
    kiosk.agree()
    assert kiosk.disk.remount("rw") == ""
    kiosk.comes_back()


def test_a_disk_that_dies_ends_the_process_and_what_was_synced_is_there(kiosk: StorageKiosk) -> None:
    """The note is in the box, its request on the disk, its credit nowhere: the next start asks the acceptor."""
    kiosk.to_cash("33182072")
    kiosk.insert(2000)
    kiosk.see(payment__in_minor=2000)
    kiosk.insert(1000)
    kiosk.world.twin("acceptor").ask("wait_state", state="stacking", timeout_ms=10_000)
    kiosk.disk.shut_down()
    kiosk.closed("disk_failed")
    kiosk.disk.replace()
    kiosk.comes_back()
    told = kiosk.see(screen="attract")["aftermath"]
    assert {item["what"] for item in told} == {"applied"}
    kiosk.agree()


def test_slow_syncs_stop_cash_until_they_are_fast_again(kiosk: StorageKiosk) -> None:
    kiosk.to_cash("55264188")
    kiosk.world.twin("acceptor").ask("wait_enabled", timeout_ms=20_000)
    began = time.monotonic()
    pid = engine_pid(kiosk.world)
    kiosk.slowness.write_text("journal.sync:0:delay_ms=2000")
    kiosk.insert(2000)
    shown = kiosk.see(payment__in_minor=2000)
    assert (shown["cash"], shown["cash_reason"]) == (False, "disk_slow")
    kiosk.see(notice="cash_slow", payment__allowed_minor=[])
    kiosk.slowness.unlink()
    kiosk.see(60, cash=True, notice="cash_back")
    kiosk.insert(1000)
    kiosk.see(payment__in_minor=3000)
    kiosk.stop_short()
    kiosk.leave()
    kiosk.agree()
    assert engine_pid(kiosk.world) == pid
    assert kiosk.systemd.longest_ms(began) < WATCHDOG_MS


def picture(path: Path) -> dict[str, Any]:
    """Return what is told to who connects to this socket, {} while nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        try:
            connection.connect(str(path))
            line = connection.makefile("rb").readline()
        except OSError:
            return {}
        shown: dict[str, Any] = json.loads(line)["snapshot"] if line else {}
        return shown


def engine_pid(world: World) -> int:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if words[2:4] == ["kiosk", "engine"] and any(str(world.base) in word for word in words[4:]):
            return int(entry.name)
    raise AssertionError("no engine runs")
