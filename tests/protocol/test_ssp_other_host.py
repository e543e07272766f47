"""A host that somebody else wrote (ITL's own C code, in the PyPI package eSSP6 1.0.8) talks to the twin over a
pseudo-terminal: its key exchange, its AES and its counters, not ours.

Needs gcc, and the package for as long as the test runs; skipped with the reason where one of them is missing.
"""

import ctypes
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hardware.sim.ssp import SspTwin
from hardware.sim.ssp_parts import Settings

PACKAGE = "eSSP6==1.0.8 --hash=sha256:dc084898999fbbed5cd53fd77ea49c5dbe50bb529255ce7384f3e51fa164aee0\n"
WAIT_S = 20
FAST = 20.0
FETCH_S = 60
# Old C: what later compilers take for errors, it does.
C_FLAGS = [
    "-std=gnu89",
    "-w",
    "-O1",
    "-fPIC",
    "-shared",
    "-Wno-error=int-conversion",
    "-Wno-error=incompatible-pointer-types",
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return ITL's code as a shared library, fetched and compiled for this run."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not there")
    folder = tmp_path_factory.mktemp("package")
    wanted = folder / "wanted.txt"
    wanted.write_text(PACKAGE)
    options = ["--quiet", "--no-deps", "--no-binary=:all:", "--require-hashes", "--retries=0", "--timeout=10"]
    fetch = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), "-r", str(wanted)]
    try:
        subprocess.run(fetch, check=True, capture_output=True, timeout=FETCH_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"eSSP6 cannot be fetched: {error}")
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    source = next(folder.glob("eSSP6-*/_eSSP"))
    parts = [*source.glob("*.c"), *(part for part in source.glob("lib/*.c") if part.name != "enctest.c")]
    built = folder / "libessp.so"
    subprocess.run(["gcc", *C_FLAGS, "-o", str(built), *map(str, parts), "-lpthread"], check=True, timeout=FETCH_S)
    return built


class PollEvent(ctypes.Structure):
    _fields_ = (
        ("event", ctypes.c_ubyte),
        ("data1", ctypes.c_ulong),
        ("data2", ctypes.c_ulong),
        ("cc", ctypes.c_char * 4),
    )


class PollData(ctypes.Structure):
    _fields_ = (("events", PollEvent * 20), ("event_count", ctypes.c_ubyte))


class ChannelData(ctypes.Structure):
    _fields_ = (("security", ctypes.c_ubyte), ("value", ctypes.c_uint), ("cc", ctypes.c_char * 4))


class SetupData(ctypes.Structure):
    _fields_ = (
        ("unit", ctypes.c_ubyte),
        ("firmware", ctypes.c_char * 5),
        ("channels", ctypes.c_uint),
        ("channel", ChannelData * 20),
        ("multiplier", ctypes.c_ulong),
        ("version", ctypes.c_ubyte),
    )


class ItlHost:
    """ITL's C code; every method returns the generic reply byte."""

    def __init__(self, library: Path, port: Path) -> None:
        self._c = ctypes.CDLL(str(library))
        self._c.ssp_init.restype = ctypes.c_void_p
        self._host = ctypes.c_void_p(self._c.ssp_init(str(port).encode(), b"0", 0))

    def do(self, name: str, *arguments: Any) -> int:
        return int(getattr(self._c, f"ssp6_{name}")(self._host, *arguments))

    def setup(self) -> SetupData:
        found = SetupData()
        assert self.do("setup_request", ctypes.byref(found)) == 0xF0
        return found

    def poll(self) -> list[tuple[int, int]]:
        found = PollData()
        assert self.do("poll", ctypes.byref(found)) == 0xF0
        return [(event.event, event.data1) for event in found.events[: found.event_count]]

    def poll_until(self, code: int) -> list[tuple[int, int]]:
        """Poll until an event of this code; return all that was told."""
        told: list[tuple[int, int]] = []
        end_s = time.monotonic() + WAIT_S
        while code not in [event for event, _ in told]:
            assert time.monotonic() < end_s, told
            told += self.poll()
        return told

    def close(self) -> None:
        self._c.close_ssp_port()


@contextmanager
def itl_host(library: Path, port: Path) -> Iterator[ItlHost]:
    host = ItlHost(library, port)
    try:
        yield host
    finally:
        host.close()


@pytest.mark.parametrize("required", ["payout_commands", "everything"])
def test_the_makers_host_takes_a_note_from_the_twin(required: str, library: Path, tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with SspTwin(link, Settings(speed=FAST, require_key=required)) as twin, itl_host(library, link) as host:
        twin.handle({"do": "wait_state", "state": "idling"})
        assert host.do("sync") == 0xF0
        assert host.do("setup_encryption", ctypes.c_ulonglong(0x0123456701234567)) == 0xF0
        assert host.do("host_protocol", 9) == 0xF8
        assert host.do("host_protocol", 6) == 0xF0
        setup = host.setup()
        assert (setup.unit, setup.firmware, setup.channels, setup.multiplier) == (0, b"0459", 7, 100)
        assert [(setup.channel[at].value, setup.channel[at].cc) for at in (0, 4, 6)] == [
            (1, b"USD"),
            (20, b"USD"),
            (100, b"USD"),
        ]
        assert host.do("enable") == 0xF0
        assert host.do("set_inhibits", 0xFF, 0xFF) == 0xF0
        assert (0xF1, 0) in host.poll()
        twin.handle({"do": "insert", "value_minor": 2000})
        told = host.poll_until(0xEB)
        assert (0xEF, 5) in told
        assert (0xEE, 5) in told
        assert told.count((0xEE, 5)) == 1
        twin.handle({"do": "insert", "value_minor": 500})
        told = []
        while (0xEF, 3) not in told:
            told = host.poll()
        assert host.do("reject") == 0xF0
        assert (0xEC, 0) in host.poll_until(0xEC)
        assert twin.state()["cassette_minor"] == 2000


def test_the_makers_host_is_refused_with_another_key(library: Path, tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with SspTwin(link, Settings(speed=FAST)) as twin, itl_host(library, link) as host:
        twin.handle({"do": "wait_state", "state": "idling"})
        assert host.do("sync") == 0xF0
        assert host.do("setup_encryption", ctypes.c_ulonglong(0x0123456701234568)) == 0xF0
        assert host.do("host_protocol", 6) != 0xF0


def test_the_makers_host_gets_change_from_the_twin(library: Path, tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with SspTwin(link, Settings("smart-payout", speed=FAST)) as twin, itl_host(library, link) as host:
        twin.handle({"do": "load", "value_minor": 500, "count": 1})
        twin.handle({"do": "wait_state", "state": "idling"})
        assert host.do("sync") == 0xF0
        assert host.do("set_route", 500, b"USD", 0) == 0xFA
        assert host.do("setup_encryption", ctypes.c_ulonglong(0x0123456701234567)) == 0xF0
        assert host.do("host_protocol", 6) == 0xF0
        assert host.do("set_route", 500, b"USD", 0) == 0xF0
        assert host.do("enable_payout", 6) == 0xF0
        assert host.do("payout", 700, b"USD", 0x19) == 0xF5
        assert host.do("payout", 500, b"USD", 0x19) == 0xF0
        assert host.do("payout", 500, b"USD", 0x58) == 0xF0
        host.poll_until(0xD2)
        assert twin.state()["handed_out"] == {"500": 1}
