"""A thread for each twin: carries requests to its control socket and asks for its state twice a second."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.sim.control import ControlClient, Refused

POLL_S = 0.5
TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Heard:
    """What came of one request. `state` is None while the twin is away; `problem` is its refusal or why it is away."""

    device: str
    request: dict[str, Any]
    state: dict[str, Any] | None
    problem: str = ""

    @property
    def is_poll(self) -> bool:
        return bool(self.request["do"] == "state")


class Link:
    """Talk to the twin at `path` from construction to `close`; `listen` is called on the link's own thread.

    A twin that is away is tried again at each poll, so the dock may be opened before the twins and outlive them.
    """

    def __init__(self, device: str, path: Path, listen: Callable[[Heard], None], poll_s: float = POLL_S) -> None:
        self.device = device
        self._path = path
        self._listen = listen
        self._poll_s = poll_s
        self._requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._client: ControlClient | None = None
        self._state: dict[str, Any] | None = None
        self._thread = threading.Thread(target=self._run, name=f"dock {device}", daemon=True)
        self._thread.start()

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request soon; its outcome and the state after it reach `listen`."""
        self._requests.put(request)

    def close(self) -> None:
        """Finish what was asked and end the thread."""
        self._requests.put(None)
        self._thread.join()

    def _run(self) -> None:
        request: dict[str, Any] | None = {"do": "state"}
        while request is not None:
            self._carry(request)
            request = self._next()
        self._hang_up()

    def _next(self) -> dict[str, Any] | None:
        try:
            return self._requests.get(timeout=self._poll_s)
        except queue.Empty:
            return {"do": "state"}

    def _carry(self, request: dict[str, Any]) -> None:
        problem = ""
        try:
            self._exchange(request)
        except Refused as refusal:
            problem = str(refusal)
        except OSError as error:  # nobody listens, hung up, or silent
            self._hang_up()
            problem = error.strerror or str(error)
        self._listen(Heard(self.device, request, self._state, problem))

    def _exchange(self, request: dict[str, Any]) -> None:
        if self._client is None:
            self._client = ControlClient(self._path, TIMEOUT_S)
        if request["do"] != "state":
            self._client.ask(request)
        self._state = self._client.ask({"do": "state"})

    def _hang_up(self) -> None:
        self._state = None
        if self._client is not None:
            self._client.close()
            self._client = None
