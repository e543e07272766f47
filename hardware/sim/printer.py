"""The twin of a receipt printer: ESC/POS on a pseudo-terminal, receipts as text and pictures in a folder.

    python -m hardware simulate printer --link PATH --control SOCKET --out DIR

Control requests: paper_out, paper_low, paper_ok, cover_open, cover_close, cutter_jam, cutter_free, power_cut, power_on,
cable_out, cable_in; paper_out_after, cable_out_after, power_cut_after {"lines": n};
model {"bare_offline": true, "slip_station": true}; slip_in; wait_slip;
state; wait_receipt {"count": n, "timeout_ms": t}.
"""

import argparse
import json
import os
import select
import signal
import sys
import threading
import tty
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from hardware.sim.control import ControlServer, Refused, whole
from hardware.sim.lines import sole_server
from hardware.sim.printer_machine import PrinterMachine
from hardware.sim.printer_paper import Strip, save

_ACTS = ("paper_out", "paper_low", "paper_ok", "cover_open", "cover_close", "cutter_jam", "cutter_free")
_PULLS = ("power_cut", "power_on", "cable_out", "cable_in")


class PrinterTwin:
    """A running twin. `link` becomes a symbolic link to its pseudo-terminal; receipts go to `out`.

    One thread serves the line, one draws; `handle` may be called from any thread.
    """

    def __init__(self, link: Path, out: Path, columns: int = 42) -> None:
        self.machine = PrinterMachine(columns=columns)
        self._link, self._out = link, out
        self._changed = threading.Condition()
        self._line: tuple[int, int] | None = None
        self._retired: tuple[int, int] | None = None  # unplugged, to be closed by the thread that may be reading it
        self._texts: list[str] = []
        self._drawn = 0
        self._pull = ""
        self._artist = ThreadPoolExecutor(1, "receipt pictures")
        self._wake_read, self._wake_write = os.pipe()
        self._closed = False
        out.mkdir(parents=True, exist_ok=True)
        self._plug_in()
        self._thread = threading.Thread(target=self._serve, name="printer twin", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug, finish the pictures and end both threads."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._wake()
        self._thread.join()
        with self._changed:
            self._unplug()
        self._artist.shutdown()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __enter__(self) -> "PrinterTwin":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Control

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one control request. Refused if there is no such request or a field is wrong."""
        act = request["do"]
        with self._changed:
            if act == "wait_receipt":
                return self._wait(whole(request, "count"), whole(request, "timeout_ms", 10_000))
            if act == "wait_slip":
                return self._wait_for_slip(whole(request, "timeout_ms", 10_000))
            if act.endswith("_after"):
                self._arm(act.removesuffix("_after"), whole(request, "lines"))
            elif act == "model":
                self.machine.bare_offline = bool(request.get("bare_offline"))
                self.machine.slip_station = bool(request.get("slip_station"))
            elif act == "slip_in":
                self._put_slip_in()
            elif act in _ACTS:
                self._act(act)
            elif act in _PULLS:
                self._pull_now(act)
            elif act != "state":
                raise Refused(f"a printer cannot {act!r}")
            return self._state()

    def _act(self, act: str) -> None:
        machine = self.machine
        if act.startswith("paper_"):
            machine.paper, machine.out_after = act.removeprefix("paper_"), None
        elif act.startswith("cover_"):
            machine.cover_open = act == "cover_open"
        else:
            machine.cutter_jammed = act == "cutter_jam"
        self._send(machine.run())
        self._collect()

    def _put_slip_in(self) -> None:
        if not self.machine.waits_for_slip:
            raise Refused("it waits for no slip")
        self.machine.slip_in = True
        self._send(self.machine.run())
        self._changed.notify_all()

    def _pull_now(self, act: str) -> None:
        if act.startswith("power_"):
            self.machine.power(act == "power_on")
        elif act == "cable_in":
            self._plug_in()
        else:
            self._unplug()

    def _arm(self, act: str, lines: int) -> None:
        if lines < 1:
            raise Refused("lines must be at least 1")
        if act == "paper_out":
            self.machine.out_after = lines
        elif act in ("cable_out", "power_cut"):
            self.machine.stop_after, self._pull = lines, act
        else:
            raise Refused(f"a printer cannot {act!r}")

    def _state(self) -> dict[str, Any]:
        machine = self.machine
        return {
            "receipts": len(self._texts),
            "text": self._texts[-1] if self._texts else "",
            "paper": machine.paper,
            "cover_open": machine.cover_open,
            "cutter_jammed": machine.cutter_jammed,
            "powered": machine.powered,
            "plugged_in": self._line is not None,
            "waiting_bytes": machine.waiting,
            "waits_for_slip": machine.waits_for_slip,
            "slips": list(machine.slips),
        }

    def _wait(self, count: int, timeout_ms: int) -> dict[str, Any]:
        if not self._changed.wait_for(lambda: self._drawn >= count, timeout_ms / 1000):
            raise Refused(f"{self._drawn} receipts after {timeout_ms} ms, not {count}")
        return self._state()

    def _wait_for_slip(self, timeout_ms: int) -> dict[str, Any]:
        if not self._changed.wait_for(lambda: self.machine.waits_for_slip, timeout_ms / 1000):
            raise Refused(f"it waits for no slip after {timeout_ms} ms")
        return self._state()

    # The line

    def _serve(self) -> None:
        while not self._closed:
            line = self._line
            ends = [self._wake_read] if line is None else [self._wake_read, line[0]]
            readable, _, _ = select.select(ends, [], [])
            with self._changed:
                if self._wake_read in readable:
                    os.read(self._wake_read, 64)
                self._close_retired()
                if line is not None and line == self._line and line[0] in readable:
                    self._take(os.read(line[0], 4096))

    def _take(self, data: bytes) -> None:
        answer = self.machine.receive(data)
        if self.machine.stopped:
            # What the host had still to send never arrives: the rest of the job is lost with the plug.
            self.machine.stopped = False
            self.machine.lose_input()
            self._pull_now(self._pull)
        else:
            self._send(answer)
        self._collect()
        self._changed.notify_all()

    def _send(self, answer: bytes) -> None:
        if self._line is not None and answer:
            with suppress(BlockingIOError):  # a host that never reads loses the answers
                os.write(self._line[0], answer)

    def _plug_in(self) -> None:
        if self._line is None:
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._line = (master, slave)  # our own slave end keeps the line up while no host has it open
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(os.ttyname(slave))
            self._wake()

    def _unplug(self) -> None:
        if self._line is None:
            return
        self._link.unlink(missing_ok=True)
        self._retired, self._line = self._line, None
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._wake()
            self._changed.wait_for(lambda: self._retired is None)
        else:
            self._close_retired()

    def _close_retired(self) -> None:
        for end in self._retired or ():
            os.close(end)
        self._retired = None
        self._changed.notify_all()

    def _wake(self) -> None:
        os.write(self._wake_write, b"!")

    # The paper

    def _collect(self) -> None:
        """Write what was cut off as text now and as a picture soon."""
        for strip in self.machine.finished:
            self._texts.append(strip.text())
            name = f"receipt-{len(self._texts):03d}"
            (self._out / f"{name}.txt").write_text(strip.text(), encoding="utf-8")
            self._artist.submit(self._draw, strip, self._out / f"{name}.png")
        self.machine.finished.clear()

    def _draw(self, strip: Strip, path: Path) -> None:
        save(strip, path)
        with self._changed:
            self._drawn += 1
            self._changed.notify_all()


def main(argv: Sequence[str]) -> int:
    """Run the twin until SIGTERM or SIGINT; its first line on standard output is {"link": ...}."""
    parser = argparse.ArgumentParser(prog="hardware simulate printer", description="the twin of a receipt printer")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--out", type=Path, required=True, help="folder for receipt-NNN.txt and receipt-NNN.png")
    parser.add_argument("--columns", type=int, choices=(32, 42, 48), default=42, help="characters a line (42)")
    options = parser.parse_args(argv)
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)
    try:
        with (
            sole_server(options.link),
            PrinterTwin(options.link, options.out, options.columns) as twin,
            ControlServer(options.control, twin.handle),
        ):
            print(json.dumps({"link": str(options.link)}), flush=True)
            signal.sigwait(done)
    except OSError as error:
        print(f"simulate printer: {error}", file=sys.stderr)
        return 1
    return 0
