"""One database and one live server for the billing tests of a process; every test brings its own kiosk and accounts."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
import psycopg
import pytest

from benchmarks import postgresql

STATE = Path(tempfile.mkdtemp(prefix="billing-tests-"))
atexit.register(shutil.rmtree, STATE, ignore_errors=True)
os.environ["BILLING_STATE"] = str(STATE)
os.environ["DJANGO_SETTINGS_MODULE"] = "billing.settings"
os.environ.pop("BILLING_DATABASE", None)
django.setup()


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class _Handler(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "RAW_URI": self.path}

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="session", autouse=True)
def database() -> Iterator[Path]:
    """The migrated SQLite database that the server uses."""
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0, interactive=False)
    yield STATE / "billing.sqlite3"
    connections.close_all()


@pytest.fixture(scope="session")
def server(database: Path) -> Iterator[str]:
    """The URL of the live server."""
    from billing.wsgi import application

    httpd = _Threaded(("127.0.0.1", 0), _Handler)
    httpd.set_app(application)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def kiosk(server: str) -> Any:
    """A freshly enrolled kiosk."""
    from tests.billing.kiosk import enrolled

    return enrolled(server)


# PostgreSQL

_ROOT = Path(__file__).parents[2]


def _environment() -> dict[str, str]:
    from tests.billing.test_program import environment

    return environment()


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The socket directory of a running cluster that belongs to nobody else."""
    with postgresql.cluster("fsync=off") as socket:
        yield socket


@pytest.fixture(scope="module")
def program(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """The URL of a server with two workers on the cluster, and how to run its other commands."""
    state = str(tmp_path_factory.mktemp("billing-pg"))
    env = {**_environment(), "BILLING_DATABASE": postgresql.url(cluster, "postgres")}
    command = [sys.executable, "-m", "billing"]

    def run(*arguments: str, said: str = "") -> str:
        done = subprocess.run(
            [*command, *arguments, "--state", state],
            cwd=_ROOT,
            env=env,
            input=said,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    serve = [*command, "serve", "--demo", "--workers", "2", "--port", "0", "--state", state]
    process = subprocess.Popen(serve, cwd=_ROOT, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["listening"], run
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


@pytest.fixture
def raw(cluster: str, program: tuple[str, Any]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(host=cluster, user="billing", dbname="postgres", autocommit=True) as connection:
        yield connection
