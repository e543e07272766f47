"""The twin of an EBDS bill acceptor on a pseudo-terminal, steered over a Unix socket.

    python -m hardware simulate ebds --link PATH --control SOCKET [--profile mei-sc] [--state FILE] [--policy A]

Control requests, each a JSON line with "do":

  insert {"value_minor"}; state; wait_enabled {"value_minor"?, "timeout_ms"}; wait_state {any fields of state,
  "timeout_ms"}; power_cut; power_on; power_cut_at {"when"}; jam {"when"?}; clear {"by": "hand" or "device"}; cheat;
  reject {"when"}; cassette_out; cassette_in; empty; full {"when"?}; cable_out; cable_in; hold {"on"};
  drop_reply {"count", "when"?}; corrupt {"count"}; echo {"count"}; other_toggle {"count"}; noise {"hex"};
  fragment {"on"}; disarm (forget every "when" that has not come yet)

`when` of power_cut_at, jam, full and reject: accepting, escrow, stacking, before_stacked or returning; of drop_reply:
a flag of the status, as stacked or escrowed. Money in cents, times in milliseconds.
"""

import argparse
import json
import os
import select
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

from hardware.sim.control import Answer, ControlServer, Refused, Request, text, whole
from hardware.sim.ebds_device import Acceptor
from hardware.sim.ebds_parts import POLICIES, PROFILES, Body, Place, Settings
from hardware.sim.ebds_wire import BITS, Trouble, Wire
from hardware.sim.lines import PtyLine, sole_server

BUSY_S, REST_S = 0.01, 0.25  # how often time is passed on while a note moves, and while nothing does
WAIT_MS = 10_000

Job = tuple[Callable[[], Answer], "Future[Answer]"]


class EbdsTwin:
    """A running twin. One thread owns device and line; `handle` may be called from any other.

    `link` becomes a symbolic link to the pseudo-terminal. With `state` the position of notes and the cassette survive
    the process: a twin that is started again comes up as after a power cut.
    """

    def __init__(self, link: str | Path, settings: Settings | None = None, state: str | Path | None = None) -> None:
        self._store = Path(state) if state else None
        self.device = Acceptor(settings, _load(self._store))
        self.wire = Wire(self.device)
        self._line = PtyLine(link)
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._saved: dict[str, Any] = {}
        self._owed_ms = 0.0  # less than one millisecond, not yet passed on
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()
        self._line.plug_in()
        self.device.power_on()
        self._thread = threading.Thread(target=self._serve, name="ebds twin", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug and end the thread."""
        if not self._closed:
            self._closed = True
            os.write(self._wake_write, b"!")
            self._thread.join()
            for end in (self._wake_read, self._wake_write):
                os.close(end)

    def __enter__(self) -> "EbdsTwin":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The thread

    def _serve(self) -> None:
        before = time.monotonic()
        while not self._closed:
            ends = [self._wake_read] + ([self._line.fileno()] if self._line.plugged else [])
            ready, _, _ = select.select(ends, [], [], BUSY_S if self._busy() else REST_S)
            now = time.monotonic()
            with self._changed:
                self._pass(now - before)
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                    self._work()
                self._answer(self._line.read())
                self._changed.notify_all()
            before = now
        self._line.unplug()
        self._work()

    def _busy(self) -> bool:
        return self.device.powered and self.device.busy

    def _pass(self, elapsed_s: float) -> None:
        self._owed_ms += elapsed_s * 1_000
        whole_ms = int(self._owed_ms)
        self._owed_ms -= whole_ms
        self.wire.step(whole_ms)
        self._save()

    def _answer(self, data: bytes) -> None:
        if data:
            writes = self.wire.feed(data)
            self._save()  # what the host is about to read must already be true after a restart
            for write in writes:
                self._line.write(write)

    def _work(self) -> None:
        while self._jobs:
            act, result = self._jobs.popleft()
            try:
                result.set_result(act())
            except Refused as refusal:
                result.set_exception(refusal)
        self._save()

    def _save(self) -> None:
        body = self.device.body.to_json()
        if self._store is None or body == self._saved:
            return
        fresh = self._store.with_name(f"{self._store.name}.new")
        fresh.write_text(json.dumps(body), encoding="utf-8")
        fresh.replace(self._store)
        self._saved = body

    # Control

    def handle(self, request: Request) -> Answer:
        """Do one control request. Refused if it makes no sense now, or at all."""
        do = request["do"]
        if do in ("wait_enabled", "wait_state"):
            return self._wait(request)
        act = self._act(do, request)
        result: Future[Answer] = Future()
        if self._closed:
            raise Refused("the twin is stopping")
        self._jobs.append((act, result))
        os.write(self._wake_write, b"!")
        return result.result()

    def _wait(self, request: Request) -> Answer:
        timeout_ms = whole(request, "timeout_ms", WAIT_MS)
        reached = self._enabled(request) if request["do"] == "wait_enabled" else self._matching(request)
        with self._changed:
            if not self._changed.wait_for(reached, timeout_ms / 1_000):
                raise Refused(f"not within {timeout_ms} ms: {self.state()}")
            return self.state()

    def _enabled(self, request: Request) -> Callable[[], bool]:
        value_minor = whole(request, "value_minor", 0)
        return lambda: value_minor in self.device.enabled if value_minor else bool(self.device.enabled)

    def _matching(self, request: Request) -> Callable[[], bool]:
        wanted = {name: value for name, value in request.items() if name not in ("do", "timeout_ms")}
        unknown = wanted.keys() - self.state().keys()
        if unknown:
            raise Refused(f"state has no {', '.join(sorted(unknown))}")

        def matches() -> bool:
            state = self.state()
            return all(state[name] == value for name, value in wanted.items())

        return matches

    def state(self) -> Answer:
        """Return what a person beside the device could see, and what the host has enabled."""
        device, body = self.device, self.device.body
        inside = body.place in (Place.ACCEPTING, Place.ESCROW, Place.STACKING, Place.RETURNING)
        return {
            "state": device.state(),
            "enabled": device.enabled,
            "cassette": _notes(body.notes),
            "cassette_minor": sum(value * count for value, count in body.notes.items()),
            "cassette_notes": body.notes.total(),
            "escrow_minor": body.value_minor if body.place is Place.ESCROW else 0,
            "path_minor": body.value_minor if inside else 0,
            "returned": body.returned,
            "powered": device.powered,
            "plugged_in": self._line.plugged,
            "cassette_in_place": body.cassette,
            "full": body.full,
            "jammed": body.jammed,
            "held": device.held,
            "polls": self.wire.polls,
            "profile": device.settings.profile,
        }

    def _act(self, do: str, request: Request) -> Callable[[], Answer]:
        """Return what to do on the twin's thread; fields are checked here, on the client's."""
        for acts in (self._note_acts, self._staff_acts, self._line_acts):
            act = acts(do, request)
            if act is not None:
                return act
        raise Refused(f"an EBDS acceptor cannot {do!r}")

    def _note_acts(self, do: str, request: Request) -> Callable[[], Answer] | None:
        device = self.device
        match do:
            case "state":
                return self.state
            case "insert":
                value_minor = whole(request, "value_minor")
                return _do(lambda: device.insert(value_minor))
            case "power_cut_at" | "reject":
                moment = text(request, "when")
                return _do(lambda: device.arm("power_cut" if do == "power_cut_at" else do, moment))
            case "jam" | "full" if "when" in request:
                moment = text(request, "when")
                return _do(lambda: device.arm(do, moment))
            case "clear":
                by = text(request, "by", "hand")
                return _do(lambda: device.clear(by_hand=by == "hand"))
        return None

    def _staff_acts(self, do: str, request: Request) -> Callable[[], Answer] | None:
        device = self.device
        plain: dict[str, Callable[[], None]] = {
            "power_cut": device.power_cut,
            "power_on": device.power_on,
            "disarm": device.armed.clear,
            "jam": device.jam,
            "full": device.fill,
            "cheat": device.cheat,
            "cassette_out": device.cassette_out,
            "cassette_in": device.cassette_in,
            "cable_out": self._line.unplug,
            "cable_in": self._line.plug_in,
        }
        if do in plain:
            return _do(plain[do])
        if do == "hold":
            return _set(device, "held", bool(request.get("on", True)))
        return self._empty if do == "empty" else None

    def _empty(self) -> Answer:
        notes = self.device.empty()
        return {"cassette": _notes(notes), "cassette_minor": sum(value * count for value, count in notes.items())}

    def _line_acts(self, do: str, request: Request) -> Callable[[], Answer] | None:
        trouble = self.wire.trouble
        match do:
            case "drop_reply":
                return self._drop(whole(request, "count", 1), text(request, "when", ""))
            case "corrupt" | "echo" | "other_toggle":
                return _set(trouble, do, whole(request, "count", 1))
            case "noise":
                return _set(trouble, "noise", _hex(text(request, "hex", "05")))
            case "fragment":
                return _set(trouble, "fragment", bool(request.get("on", True)))
        return None

    def _drop(self, count: int, when: str) -> Callable[[], Answer]:
        if when and when not in BITS:
            raise Refused(f"no such flag: {when}; there are {', '.join(BITS)}")

        def drop() -> Answer:
            self.wire.trouble.drop, self.wire.trouble.when = count, when
            return {}

        return drop


def _do(act: Callable[[], None]) -> Callable[[], Answer]:
    def answer() -> Answer:
        act()
        return {}

    return answer


def _set(target: Acceptor | Trouble, name: str, value: object) -> Callable[[], Answer]:
    return _do(lambda: setattr(target, name, value))


def _hex(digits: str) -> bytes:
    try:
        return bytes(byte & 0x7F for byte in bytes.fromhex(digits))
    except ValueError as error:
        raise Refused(f"not hexadecimal: {digits}") from error


def _notes(notes: Counter[int]) -> list[dict[str, int]]:
    return [{"value_minor": value, "count": count} for value, count in sorted(notes.items()) if count]


def _load(path: Path | None) -> Body | None:
    if path is None or not path.exists():
        return None
    return Body.from_json(json.loads(path.read_text(encoding="utf-8")))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate ebds", description="the twin of an EBDS bill acceptor")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--profile", choices=PROFILES, default="mei-sc", help="which device it is (mei-sc)")
    parser.add_argument("--policy", choices=POLICIES, default="A", help="power-up policy of MEI-SC (A)")
    parser.add_argument("--state", type=Path, help="file that keeps notes and cassette over a restart")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster notes move (1)")
    parser.add_argument("--silence-ms", type=int, default=5_000, help="silence after which it takes no notes (5000)")
    options = parser.parse_args(argv)
    settings = Settings(options.profile, options.policy, speed=options.speed, silence_ms=options.silence_ms)
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)
    try:
        with (
            sole_server(options.link),
            EbdsTwin(options.link, settings, options.state) as twin,
            ControlServer(options.control, twin.handle),
        ):
            print(options.link, flush=True)  # whoever started it may connect now
            signal.sigwait(done)
    except OSError as error:
        print(f"simulate ebds: {error}", file=sys.stderr)
        return 1
    return 0
