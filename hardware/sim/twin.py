"""What the twins with a thread of their own share: the loop, the store, the control requests, and the program."""

import json
import os
import select
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hardware.sim.control import Answer, ControlServer, Refused, Request, whole
from hardware.sim.lines import sole_server

WAIT_MS = 10_000

Act = Callable[[], Answer]


class Twin(ABC):
    """A running twin, once `start` was called. One thread owns device and lines; `handle` may be called from any other.

    With `store` what `kept` returns survives the process: a twin that is started again comes up as after a power cut.
    """

    def __init__(self, store: Path | None) -> None:
        self._store = store
        self._saved = ""
        self._jobs: deque[tuple[Act, Future[Answer]]] = deque()
        self._changed = threading.Condition()
        self._owed_ms = 0.0  # less than one millisecond, not yet passed on
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()

    def start(self, name: str) -> None:
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug and end the thread."""
        if not self._closed:
            self._closed = True
            os.write(self._wake_write, b"!")
            self._thread.join()
            for end in (self._wake_read, self._wake_write):
                os.close(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What each twin says of itself

    @abstractmethod
    def kept(self) -> dict[str, Any]:
        """Return what survives the process, for JSON."""

    @abstractmethod
    def state(self) -> Answer:
        """Return what a person beside it could see."""

    @abstractmethod
    def ends(self) -> list[Any]:
        """Return what to wait on."""

    @abstractmethod
    def patience_s(self) -> float:
        """Return how long to wait at most before time is passed on."""

    @abstractmethod
    def step(self, dt_ms: int) -> None:
        """Let time pass."""

    @abstractmethod
    def answer(self, ready: list[Any]) -> None:
        """Read the lines and write to them."""

    @abstractmethod
    def unplug(self) -> None:
        """Take every line away."""

    @abstractmethod
    def act(self, do: str, request: Request) -> Act:
        """Return what to do on the twin's thread; fields are checked here, on the client's."""

    # The thread

    def _serve(self) -> None:
        before = time.monotonic()
        while not self._closed:
            ready, _, _ = select.select([self._wake_read, *self.ends()], [], [], self.patience_s())
            now = time.monotonic()
            with self._changed:
                self._owed_ms += (now - before) * 1_000
                whole_ms = int(self._owed_ms)
                self._owed_ms -= whole_ms
                self.step(whole_ms)
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                    self._work()
                self.answer(ready)
                self._changed.notify_all()
            before = now
        self.unplug()
        self._work()

    def _work(self) -> None:
        while self._jobs:
            act, result = self._jobs.popleft()
            try:
                result.set_result(act())
            except Refused as refusal:
                result.set_exception(refusal)
        self.save()

    def save(self) -> None:
        """To be called before a host may read: what it reads must still be true after a restart."""
        if self._store is None:
            return
        content = json.dumps(self.kept())
        if content != self._saved:
            fresh = self._store.with_name(f"{self._store.name}.new")
            fresh.write_text(content, encoding="utf-8")
            fresh.replace(self._store)
            self._saved = content

    # Control

    def handle(self, request: Request) -> Answer:
        """Do one control request. Refused if it makes no sense now, or at all."""
        reached = self.awaited(request)
        if reached is not None:
            return self._wait(reached, whole(request, "timeout_ms", WAIT_MS))
        act = self.act(request["do"], request)
        result: Future[Answer] = Future()
        if self._closed:
            raise Refused("the twin is stopping")
        self._jobs.append((act, result))
        os.write(self._wake_write, b"!")
        return result.result()

    def awaited(self, request: Request) -> Callable[[], bool] | None:
        """Return what the request waits for, None if it waits for nothing."""
        if request["do"] != "wait_state":
            return None
        wanted = {name: value for name, value in request.items() if name not in ("do", "timeout_ms")}
        if unknown := wanted.keys() - self.state().keys():
            raise Refused(f"state has no {', '.join(sorted(unknown))}")

        def matches() -> bool:
            state = self.state()
            return all(state[name] == value for name, value in wanted.items())

        return matches

    def _wait(self, reached: Callable[[], bool], timeout_ms: int) -> Answer:
        with self._changed:
            if not self._changed.wait_for(reached, timeout_ms / 1_000):
                raise Refused(f"not within {timeout_ms} ms: {self.state()}")
            return self.state()


def doing(act: Callable[[], object]) -> Act:
    """Return `act` with an empty answer."""

    def answer() -> Answer:
        act()
        return {}

    return answer


def setting(target: object, name: str, value: object) -> Act:
    return doing(lambda: setattr(target, name, value))


def unhex(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise Refused(f"not hexadecimal: {digits}") from error


def serve(
    link: Path | None, control: Path, start: Callable[[], Twin], address: Callable[[Any], object] | None = None
) -> int:
    """Run the twin that `start` makes until SIGTERM or SIGINT, and print its address; return the exit code."""
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)  # before the threads, which inherit it
    try:
        with ExitStack() as stack:
            if link:
                stack.enter_context(sole_server(link))
            twin = stack.enter_context(start())
            stack.enter_context(ControlServer(control, twin.handle))
            print(address(twin) if address else link, flush=True)  # whoever started it may connect now
            signal.sigwait(done)
    except (OSError, Refused) as error:
        print(f"simulate: {error}", file=sys.stderr)
        return 1
    return 0
