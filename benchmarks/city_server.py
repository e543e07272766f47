"""The city's server as it ships, a process of its own, with the bills of a city in a database of either kind."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import postgresql
from kiosk.journal.keys import Enrolment
from kiosk.posting.client import enrol
from kiosk.posting.outcomes import Enrolled

ROOT = Path(__file__).resolve().parents[1]
KIOSK = "rb-07"
_SQLITE = {"journal_mode": "WAL", "synchronous": "FULL", "foreign_keys": "ON"}  # as billing/settings.py has it


@dataclass(frozen=True)
class City:
    """A migrated database with its bills, and a kiosk that is enrolled there. `socket` is PostgreSQL's."""

    state: Path
    socket: str = ""
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def connect(self, database: str = "city") -> Any:
        """Return a connection of the driver, outside any transaction, to the database or to its copy."""
        if self.socket:
            return psycopg.connect(host=self.socket, user=postgresql.USER, dbname=database, autocommit=True)
        name = "billing.sqlite3" if database == "city" else f"{database}.sqlite3"
        connection = sqlite3.connect(self.state / name, isolation_level=None, timeout=20)
        for pragma, value in _SQLITE.items():
            connection.execute(f"PRAGMA {pragma} = {value}")
        return connection

    def copy(self, database: str) -> None:
        """Copy the database as it stands. No server may run."""
        if self.socket:
            with closing(self.connect("postgres")) as connection:
                connection.execute(f"CREATE DATABASE {database} TEMPLATE city")
            return
        with closing(self.connect()) as source, closing(self.connect(database)) as target:
            source.backup(target)

    def run(self, module: str, *arguments: str) -> str:
        """Run a program of the server to its end and return what it prints."""
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **self._process())
        return str(done.stdout)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Yield the URL of a running server: one process with SQLite, two with PostgreSQL."""
        workers = "2" if self.socket else "1"
        command = [
            sys.executable,
            "-m",
            "billing",
            "serve",
            "--port",
            "0",
            "--workers",
            workers,
            "--state",
            str(self.state),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **self._process())
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["listening"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)

    def enrolled(self, url: str) -> Enrolment:
        code = self.run("billing", "enrol-code", "--kiosk", KIOSK, "--state", str(self.state)).strip()
        outcome = enrol(url, code, self.key)
        assert isinstance(outcome, Enrolled), outcome
        return outcome.enrolment

    def _process(self) -> dict[str, Any]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("BILLING_", "DJANGO_"))}
        own = {"BILLING_STATE": str(self.state), "DJANGO_SETTINGS_MODULE": "billing.settings"}
        if self.socket:
            own["BILLING_DATABASE"] = postgresql.url(self.socket, "city")
        return {"cwd": ROOT, "env": {**clean, **own}}


@contextmanager
def sqlite(folder: Path) -> Iterator[City]:
    """Yield a city in a file of the folder."""
    state = folder / "sqlite"
    yield City(state)
    shutil.rmtree(state, ignore_errors=True)


@contextmanager
def on_postgresql(folder: Path) -> Iterator[City]:
    """Yield a city on a cluster as PostgreSQL ships: a commit is on the medium when it is answered."""
    with postgresql.cluster() as socket:
        city = City(folder / "postgresql", socket)
        with closing(city.connect("postgres")) as connection:
            connection.execute("CREATE DATABASE city")
        yield city


def fill(city: City, bills: int) -> list[tuple[str, str]]:
    """Make the tables and the bills; return (account, bill) of each."""
    city.run("billing", "ledger", "--state", str(city.state))
    return [(account, bill) for account, bill in json.loads(city.run("benchmarks.billed_city", str(bills)))]
