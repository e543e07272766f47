"""Running the server in the foreground: gunicorn, one process with threads (SQLite) or several (PostgreSQL)."""

import json
import sys
from typing import Any

from django.db import connection
from gunicorn.app.base import BaseApplication

from billing.wsgi import application


class Server(BaseApplication):
    """gunicorn with our settings and no configuration file."""

    def __init__(self, host: str, port: int, workers: int, threads: int) -> None:
        self._options = {
            "bind": f"{host}:{port}",
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "keepalive": 75,
            "graceful_timeout": 10,
            "accesslog": None,
            "loglevel": "warning",
            "limit_request_line": 8190,
            "control_socket_disable": True,
            "when_ready": _announce,
            "worker_exit": _settle,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return application


def _settle(arbiter: Any, worker: Any) -> None:
    """Leave SQLite's file whole: the connections of the threads end with the process and move nothing."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _announce(arbiter: Any) -> None:
    host, port = arbiter.LISTENERS[0].sock.getsockname()[:2]
    print(json.dumps({"listening": f"http://{host}:{port}"}), flush=True)
    sys.stdout.flush()
