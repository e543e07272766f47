"""A host that somebody else wrote (npm cashcode-bv 0.0.2, MIT) talks to the twin over a pseudo-terminal.

Needs node and npm, and the package for as long as the test runs; skipped with the reason where one of them is missing.
"""

import json
import queue
import shutil
import subprocess
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from hardware.sim.ccnet import CcnetTwin
from hardware.sim.ccnet_parts import Settings

PACKAGE = "cashcode-bv@0.0.2"
PROGRAM = Path(__file__).with_name("ccnet_other_host.js")
WAIT_S = 15
FETCH_S = 30


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the package, fetched for this run."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not there")
    folder = tmp_path_factory.mktemp("package")
    command = ["npm", "pack", PACKAGE, "--silent", "--fetch-retries=0", "--fetch-timeout=10000"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=FETCH_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{PACKAGE} cannot be fetched: {error}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder / "package"


class OtherHost:
    """The running program."""

    def __init__(self, package: Path, port: Path) -> None:
        command = ["node", "--no-deprecation", str(PROGRAM), str(package), str(port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._told.put(json.loads(line))

    def do(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        done = self.hear("done")
        assert done["word"] == word
        return done

    def hear(self, what: str) -> dict[str, Any]:
        """Wait until it tells of this; forget what came before."""
        while True:
            told = self._told.get(timeout=WAIT_S)
            if told["what"] == what:
                return told

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(WAIT_S)


def test_another_host_understands_the_twin(package: Path, tmp_path: Path) -> None:
    with CcnetTwin(
        tmp_path / "port", Settings(draw_in_ms=100, stack_ms=200, return_ms=100, initialize_ms=2_000)
    ) as twin:
        host = OtherHost(package, tmp_path / "port")
        try:
            connected = host.do("connect")
            assert connected["result"] is True
            assert (connected["info"]["model"].strip(), connected["info"]["serial"]) == ("SM-US1353", "07KI41AS7482")
            assert [bill["amount"] for bill in connected["table"]][:8] == [1, 2, 5, 10, 20, 50, 100, 0]
            assert {bill["code"] for bill in connected["table"][:7]} == {"USA"}
            host.hear("disabled")
            host.do("begin")
            host.hear("idling")
            twin.handle({"do": "insert", "value_minor": 2000})
            assert host.hear("escrow")["bill"]["amount"] == 20
            host.do("stack")
            assert host.hear("stacked")["bill"]["amount"] == 20
            host.hear("idling")
            twin.handle({"do": "insert", "value_minor": 500})
            assert host.hear("escrow")["bill"]["amount"] == 5
            host.do("retrieve")
            assert host.hear("returned")["bill"]["amount"] == 5
            host.hear("idling")
            twin.handle({"do": "power_cut_at", "when": "stacking"})
            twin.handle({"do": "insert", "value_minor": 1000})
            host.hear("escrow")
            host.do("stack")
            twin.handle({"do": "wait_state", "powered": False})
            twin.handle({"do": "power_on"})
            host.hear("power-up-with-bill-in-stacker")
            host.do("connect")
            assert host.hear("stacked")["bill"]["amount"] == 10
            state = twin.handle({"do": "wait_state", "cassette_minor": 3000})
        finally:
            host.close()
    assert state["returned"] == 1
