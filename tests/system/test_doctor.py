"""Goal: `kiosk doctor` names what hangs on a port and takes nothing. Method: real twins on pseudo-terminals."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.acceptors.contract import (
    Acknowledge,
    Connected,
    Enable,
    Event,
    NoteEscrowed,
    NoteStacked,
    StackNote,
)
from hardware.acceptors.ebds.profiles import USA
from hardware.acceptors.ebds.toggle import ToggleFile
from hardware.acceptors.families import FAMILIES, Options
from hardware.acceptors.probe import Setting, probe
from hardware.sim.ccnet import CcnetTwin
from hardware.sim.ccnet_parts import Settings as CcnetSettings
from hardware.sim.ebds import EbdsTwin
from hardware.sim.ebds_parts import Settings
from hardware.sim.id003 import Id003Twin
from hardware.sim.id003_parts import Settings as Id003Settings
from hardware.sim.lines import PtyLine
from hardware.sim.notes import Place
from hardware.sim.ssp import SspTwin
from hardware.sim.ssp_parts import Settings as SspSettings
from hardware.transport.driver import Driver
from kiosk.config.load import load
from kiosk.config.model import Acceptor, Port
from kiosk.engine.doctor import differences, lines, main, order, setting_for

SAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.toml"


def test_it_names_the_device_behind_a_port(tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with EbdsTwin(link):
        done = subprocess.run(
            [sys.executable, "-m", "kiosk", "doctor", "--port", str(link), "--protocol", "ebds"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("EBDS at 9600 7E1: SC83", "serial number 83100004417", "note type 5: USD $20.00", "all is well"):
        assert said in done.stdout


def stack_untold(link: Path, twin: EbdsTwin, toggle: ToggleFile) -> None:
    """Be a kiosk that stacks a note and stops before the report is durable."""
    family, told = FAMILIES["ebds"], threading.Event()
    codec = family.make(Options(), USA, None)

    def hear(event: Event) -> None:
        if isinstance(event, Connected):
            driver.submit(Enable(frozenset({5})))
        elif isinstance(event, NoteEscrowed):
            driver.submit(StackNote(event.escrow))
        elif isinstance(event, NoteStacked) and event.channel:
            told.set()
        elif isinstance(event, NoteStacked):
            driver.submit(Acknowledge(event.report))

    driver = Driver(codec, family.line(link), on_event=hear, before_write=toggle.keeper(lambda: family.keep(codec)))
    thread = threading.Thread(target=driver.run, daemon=True)
    thread.start()
    twin.handle({"do": "wait_enabled", "value_minor": 2000})
    twin.handle({"do": "insert", "value_minor": 2000})
    assert told.wait(10)
    driver.stop()
    thread.join()


def hold_one(link: Path, twin: EbdsTwin, toggle: ToggleFile) -> None:
    """Play a kiosk that stops with a note in escrow."""
    family, held = FAMILIES["ebds"], threading.Event()
    codec = family.make(Options(), USA, None)

    def hear(event: Event) -> None:
        if isinstance(event, Connected):
            driver.submit(Enable(frozenset({5})))
        elif isinstance(event, NoteEscrowed):
            held.set()
        elif isinstance(event, NoteStacked):
            driver.submit(Acknowledge(event.report))

    driver = Driver(codec, family.line(link), on_event=hear, before_write=toggle.keeper(lambda: family.keep(codec)))
    thread = threading.Thread(target=driver.run, daemon=True)
    thread.start()
    twin.handle({"do": "wait_enabled", "value_minor": 2000})
    twin.handle({"do": "insert", "value_minor": 2000})
    assert held.wait(10)
    driver.stop()
    thread.join()


def test_it_takes_no_report_from_the_kiosk(tmp_path: Path) -> None:
    link, toggle = tmp_path / "acceptor", ToggleFile(tmp_path / "toggle")
    with EbdsTwin(link, Settings(speed=20)) as twin:
        stack_untold(link, twin, toggle)
        for _ in range(3):
            (found,) = probe(link, ["ebds"], Setting(toggle=toggle))
            assert (found.identity, found.waiting) == (None, 1)
            assert "start the kiosk" in found.silence
        assert twin.device.body.place is Place.STACKED_UNTOLD


def test_a_note_in_escrow_is_said_and_left_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link, toggle = tmp_path / "acceptor", ToggleFile(tmp_path / "toggle")
    with EbdsTwin(link, Settings(speed=20)) as twin:
        hold_one(link, twin, toggle)
        assert main(["--port", str(link), "--protocol", "ebds"]) == 1
        assert "it holds a note in escrow" in capsys.readouterr().out
        assert twin.device.body.place is Place.ESCROW


def test_nobody_on_the_line_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = PtyLine(tmp_path / "acceptor")
    line.plug_in()
    assert main(["--port", str(line.link), "--protocol", "ebds"]) == 1
    line.unplug()
    assert "no acceptor answers" in capsys.readouterr().out


def test_a_port_that_is_held_or_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(tmp_path / "nothing")]) == 2
    line = PtyLine(tmp_path / "acceptor")
    line.plug_in()
    holder = FAMILIES["ebds"].line(line.link)
    holder.open()
    assert main(["--port", str(line.link)]) == 2
    holder.close()
    line.unplug()
    said = capsys.readouterr().err
    assert "is not there" in said
    assert "is held by another process" in said


@pytest.mark.parametrize(("five_minor", "said"), [(2000, ""), (5000, "note type 5: configured USD 50.00")])
def test_a_table_is_judged_by_the_rule_that_refuses_cash(tmp_path: Path, five_minor: int, said: str) -> None:
    """The words are the codec's, who enables nothing when it has any."""
    link = tmp_path / "acceptor"
    channels = {channel: value for channel, (_, value) in USA.items()} | {5: five_minor}
    wanted = Acceptor(port=Port(str(link)), channels=channels)
    config = replace(load(SAMPLE), acceptor=wanted, run_dir=tmp_path)
    with EbdsTwin(link):
        (found,) = probe(link, ["ebds"], setting_for("ebds", config))
    assert [line.split(", the device")[0] for line in differences(found, wanted)] == ([said] if said else [])


def test_another_protocol_than_the_configured_one_is_said(tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    wanted = Acceptor(port=Port(str(link)), protocol="ccnet")
    config = replace(load(SAMPLE), acceptor=wanted, run_dir=tmp_path)
    with EbdsTwin(link):
        (found,) = probe(link, ["ebds"], setting_for("ebds", config))
    (said,) = differences(found, wanted)
    assert said.endswith('a device for "ebds" answers')


@pytest.mark.parametrize("protocol", ["ccnet", "id003"])
def test_a_device_at_another_speed_is_found_there(tmp_path: Path, protocol: str) -> None:
    link = tmp_path / "acceptor"
    twin = (
        CcnetTwin(link, CcnetSettings(baud=19200))
        if protocol == "ccnet"
        else Id003Twin(link, Id003Settings(baud=19200))
    )
    with twin:
        slow, fast = probe(link, [protocol], Setting(answer_s=3.0))
    assert (slow.identity, slow.baud, fast.baud) == (None, 9600, 19200)
    assert fast.identity
    assert fast.settings.startswith("19200 8")
    (said,) = differences(fast, Acceptor(port=Port(str(link)), protocol=protocol))
    assert "it answers at 19200" in said
    assert differences(fast, Acceptor(port=Port(str(link)), protocol=protocol, baud=19200)) == []


def test_what_a_device_counted_in_its_life_is_printed(tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with SspTwin(link, SspSettings("smart-payout")) as twin:
        twin.handle({"do": "load", "value_minor": 500, "count": 3})
        (found,) = probe(link, ["ssp"], Setting(Options("smart-payout")))
        twin.handle({"do": "cable_out"})
    printed = "\n".join(lines(found))
    assert "    stored 3\n" in printed
    assert "    paid out 0\n" in printed


def test_the_configured_protocol_is_asked_first() -> None:
    assert order("ebds")[0] == "ebds"
    assert sorted(order("")) == sorted(FAMILIES)
