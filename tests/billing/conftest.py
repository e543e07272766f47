"""One database and one live server for the billing tests of a process; every test brings its own kiosk and accounts."""

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
import pytest

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
