"""Which acceptor hangs on a port: each protocol's codec asks it in turn, inhibited, and nothing is ever decided.

A probe takes no notes, and acknowledges no report but the blank one of a self-test, which proves nothing to a kiosk
that was not running. What else the device has to tell is told again to the kiosk.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hardware.acceptors.contract import (
    Acknowledge,
    Cashbox,
    Connected,
    Event,
    Fault,
    Identity,
    Lost,
    NotePaidOut,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    PayoutEnded,
    PoweredUp,
)
from hardware.acceptors.ebds.toggle import ToggleFile
from hardware.acceptors.families import FAMILIES, Family, Options, Table
from hardware.transport.driver import Driver
from hardware.transport.serial_line import SerialLine

ANSWER_S = 8.0  # silence is certain after five; the opening questions take two
READY_S = 40.0  # for one that was heard to start


@dataclass(frozen=True)
class Finding:
    """What one protocol found. `identity` None: nobody, for the reason in `silence`. `warning`: of the line, or ""."""

    protocol: str
    settings: str
    identity: Identity | None
    silence: str = ""
    warning: str = ""
    waiting: int = 0  # reports about notes that the device holds for the kiosk
    in_escrow: bool = False  # a note is in its throat, and nobody has decided
    baud: int = 0
    wrong_table: str = ""  # why the kiosk would take no notes from it, in the codec's words


@dataclass(frozen=True)
class Setting:
    """What a probe goes by. Without the kiosk's `toggle` a device may take the first question for an acknowledgement
    of a report that it holds (EBDS sheet section 4)."""

    options: Options = field(default_factory=Options)
    table: Table = field(default_factory=dict)
    toggle: ToggleFile | None = None
    clock: Callable[[], int] = time.monotonic_ns
    answer_s: float = ANSWER_S


def probe(
    port: str | Path, protocols: Sequence[str] = tuple(FAMILIES), setting: Setting | None = None
) -> Iterator[Finding]:
    """Yield what each protocol finds at each of its speeds, until one finds its device.

    Raises LineBusy if somebody holds the port.
    """
    for protocol in protocols:
        for baud in FAMILIES[protocol].bauds:
            finding = _ask(port, FAMILIES[protocol], baud, setting or Setting())
            yield finding
            if finding.identity is not None or finding.waiting:
                return


class _Ear:
    """Listens to a driver until it has met its device, lost it, or heard a report that only the kiosk may take."""

    def __init__(self, family: Family, setting: Setting, line: SerialLine) -> None:
        toggle = setting.toggle
        codec = family.make(setting.options, setting.table, toggle.read() if toggle else None)
        keep = toggle.keeper(lambda: family.keep(codec)) if toggle else None
        self.driver = Driver(codec, line, setting.clock, self.hear, before_write=keep)
        self.identity: Identity | None = None
        self.silence = ""
        self.waiting = 0
        self.in_escrow = False
        self.wrong_table = ""
        self._judges = bool(setting.table)
        self.starting = False
        self.over = threading.Event()

    def hear(self, event: Event) -> None:
        match event:
            case Connected(identity, in_escrow):
                self.identity, self.in_escrow = identity, in_escrow
                self.over.set()
            case Fault("wrong_table", detail) if self._judges:
                self.wrong_table = detail
            case Lost(reason):
                self.silence = reason
                self.over.set()
            case PoweredUp():
                self.starting = True
            case NoteStacked(report=report, self_test=True):
                self.driver.submit(Acknowledge(report))
            case NoteStacked() | NoteReturned() | NoteRejected() | NotePaidOut() | PayoutEnded() | Cashbox():
                self.waiting += 1
                self.silence = "it has to tell the kiosk of a note first: start the kiosk"
                self.over.set()


def _ask(port: str | Path, family: Family, baud: int, setting: Setting) -> Finding:
    line = family.line(port, baud)
    _try_open(line)
    ear = _Ear(family, setting, line)
    thread = threading.Thread(target=ear.driver.run, name=f"probe {family.name}", daemon=True)
    thread.start()
    if not ear.over.wait(setting.answer_s) and ear.starting:
        ear.over.wait(READY_S)
    ear.driver.stop()
    thread.join()
    silence = "" if ear.identity else ear.silence or f"nothing that speaks it within {setting.answer_s:.0f} s"
    return Finding(
        family.name,
        family.settings(baud),
        ear.identity,
        silence,
        line.warning,
        ear.waiting,
        ear.in_escrow,
        baud,
        ear.wrong_table,
    )


def _try_open(line: SerialLine) -> None:
    """Let a port that is held by somebody else, or not there at all, be said at once."""
    line.open()
    line.close()
