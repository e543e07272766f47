"""Servers that die, answers that are lost, a server restored from yesterday: the journals rebuild the ledger."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing.ledger import balances
from tests.billing.kiosk import Client, enrol_with, note, uid
from tests.billing.test_program import ROOT, environment, run


class Server:
    """The program on one state directory, started and killed as often as wanted."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        command = [sys.executable, "-m", "billing", "serve", "--demo", "--port", "0", "--state", str(self.state)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        return str(json.loads(self._process.stdout.readline())["listening"])

    def kill(self) -> None:
        """As a power cut would: every process at once, without a word."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        assert self._process
        self._process.terminate()
        assert self._process.wait(timeout=20) == 0
        self._process = None

    def sums(self) -> dict[str, int]:
        with sqlite3.connect(self.state / "billing.sqlite3") as connection:
            query = "SELECT account_id, sum(amount_minor) FROM ledger_entry GROUP BY account_id"
            sums = dict(connection.execute(query).fetchall())
        return {account: sums[account] for account in ("cash", "clearing")}


@pytest.fixture
def server_program(tmp_path: Path) -> Any:
    server = Server(tmp_path)
    yield server
    server.kill()


def enrol(server: Server, url: str) -> Client:
    return enrol_with(url, run("enrol-code", "--state", str(server.state)).stdout.strip(), Ed25519PrivateKey.generate())


def fill(kiosk: Client, payments: int) -> int:
    """Journal `payments` open payments and return the cents in them."""
    total = 0
    for number in range(payments):
        value = (100, 500, 1000, 2000)[number % 4]
        kiosk.journal.add("NoteStacked", note(uid(), value))
        total += value
    return total


def send_and_hang_up(kiosk: Client, records: list[dict[str, str]]) -> None:
    """Send a batch and go away without reading the answer."""
    request = kiosk.prepare("POST", "/v1/journal", json={"records": records})
    address = urlsplit(kiosk.url)
    headers = {**request.headers, "Host": address.netloc}
    head = "POST /v1/journal HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(head.encode() + b"\r\n" + request.body)


def test_a_server_killed_with_a_batch_in_hand_loses_and_doubles_nothing(server_program: Server) -> None:
    kiosk = enrol(server_program, server_program.start())
    total = fill(kiosk, 60)
    for start in (0, 20, 40):
        send_and_hang_up(kiosk, kiosk.journal.records[start : start + 20])
        server_program.kill()
        kiosk = replace(kiosk, url=server_program.start())
        answer = kiosk.post_journal(kiosk.journal.records[start : start + 20])
        assert answer.status_code == 200
        assert len(answer.json()["results"]) == 20
    assert server_program.sums() == {"cash": total, "clearing": -total}


def test_a_server_that_was_stopped_leaves_one_whole_file(server_program: Server, tmp_path: Path) -> None:
    kiosk = enrol(server_program, server_program.start())
    total = fill(kiosk, 10)
    kiosk.post_all()
    server_program.stop()
    copied = tmp_path / "copied"
    copied.mkdir()
    shutil.copy(server_program.state / "billing.sqlite3", copied)
    assert Server(copied).sums() == {"cash": total, "clearing": -total}


def test_a_server_restored_from_a_backup_is_refilled(server_program: Server, tmp_path: Path) -> None:
    kiosk = enrol(server_program, server_program.start())
    fill(kiosk, 10)
    kiosk.post_all()
    database, backup = server_program.state / "billing.sqlite3", tmp_path / "backup.sqlite3"
    with sqlite3.connect(database) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    fill(kiosk, 20)
    kiosk.post_all()
    before = server_program.sums()
    server_program.kill()
    for name in ("billing.sqlite3-wal", "billing.sqlite3-shm"):
        (server_program.state / name).unlink(missing_ok=True)
    backup.replace(database)
    kiosk = replace(kiosk, url=server_program.start())
    head = kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head").json()
    assert head["head_seq"] == 10  # behind the kiosk: it refills, and goes on taking money
    fill(kiosk, 1)
    gap = kiosk.post_journal(kiosk.journal.records[-1:])
    assert (gap.status_code, gap.json()["expected_seq"]) == (409, 11)
    kiosk.post_journal(kiosk.journal.records[10:])
    assert server_program.sums() == {"cash": before["cash"] + 100, "clearing": before["clearing"] - 100}


def test_an_answer_that_nobody_read_was_given_all_the_same(kiosk: Client) -> None:
    total = fill(kiosk, 30)
    for start in range(0, 30, 10):
        send_and_hang_up(kiosk, kiosk.journal.records[start : start + 10])
    kiosk.post_all()
    kiosk.post_all()
    subject = f"{kiosk.kiosk_id}/1"
    assert balances.by_subject("cash", [subject], "USD") == {subject: total}
