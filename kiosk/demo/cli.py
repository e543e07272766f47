"""`./run demo`: open the kiosk beside its dock, or let scripted residents play it and prove the books.

The scripted demo ends with 0 only if every journey went through and cassette, journal and ledger agree to the cent.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kiosk.config.model import ACCEPTORS
from kiosk.demo.journeys import JOURNEYS, play
from kiosk.demo.processes import DemoFailed
from kiosk.demo.steps import Lobby
from kiosk.demo.window import Display
from kiosk.demo.world import RECYCLER, World

SIZE = (720, 1280)
IDLE_S = (9.0, 8.0)  # short, so that walking away can be shown; a real kiosk waits minutes
DRAIN_S = 60.0
# Beside each other on a Full HD screen.
HAND_SIZE, HAND_PLACE, DOCK = (540, 960), (40, 40), "960x900+620+40"


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))  # so that nothing is left running
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    base = Path(tempfile.mkdtemp(prefix="lobby-demo-"))  # short: the path of a Unix socket has at most 107 bytes
    try:
        if options.headless or not os.environ.get("DISPLAY"):
            return _scripted(out, base, options.journey or list(JOURNEYS), options.acceptor)
        return _by_hand(base, options.acceptor)
    except DemoFailed as failed:
        print(f"demo: {failed}", file=sys.stderr)
        return 1
    finally:
        _keep(base / "logs", out / "logs")
        shutil.rmtree(base, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run demo", description="A demo city on this machine.")
    parser.add_argument("--headless", action="store_true", help="scripted residents under Xvfb")
    parser.add_argument("--out", type=Path, default=Path("demo-out"))
    parser.add_argument("--journey", action="append", choices=sorted(JOURNEYS), help="only this one; may be repeated")
    parser.add_argument("--acceptor", choices=(*ACCEPTORS, RECYCLER), default="ebds", help="which bill acceptor (ebds)")
    return parser


# Scripted residents


def _scripted(out: Path, base: Path, names: list[str], acceptor: str) -> int:
    screens = out / "screens"
    for old in (*screens.glob("*.png"), *out.glob("receipt-*")):
        old.unlink()
    screens.mkdir(exist_ok=True)
    display = Display(*SIZE)
    world = World(base, display.name, SIZE, IDLE_S, acceptor=acceptor, cards=True, checks=True)
    try:
        world.start(bills=40)
        lobby = Lobby(world, display, screens)
        played = [_play(lobby, name) for name in names]
        summary = _settle(world, out, played)
    finally:
        world.stop()
        display.close()
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return _report(summary)


def _play(lobby: Lobby, name: str) -> dict[str, Any]:
    began = time.monotonic()
    why = ""
    try:
        play(lobby, name)
    except DemoFailed as failed:
        why = str(failed)
        lobby.picture("failed")
        _go_home(lobby)
    seconds = round(time.monotonic() - began, 1)
    print(f"  {'ok    ' if not why else 'FAILED'} {name:28} {seconds:6.1f} s  {why}", flush=True)
    return {"name": name, "ok": not why, "seconds": seconds}


def _go_home(lobby: Lobby) -> None:
    """After a failed journey let the kiosk's own time-outs bring it back, so that the next can be judged."""
    for twin, mends in (
        ("network", ("up",)),
        ("printer", ("paper_ok",)),
        ("acceptor", ("power_on", "cable_in")),
        ("terminal", ("calm",)),
        ("checks", ("cable_in",)),
    ):
        for do in mends:
            _try(lambda twin=twin, do=do: lobby.world.twin(twin).ask(do))
    _try(lambda: lobby.world.twin("camera").ask("clear"))
    _try(lambda: lobby.see("the page that waits", 90, screen="attract"))


def _try(act: Any) -> None:
    try:
        act()
    except DemoFailed as failed:
        print(f"    and then: {failed}", file=sys.stderr)


def _settle(world: World, out: Path, played: list[dict[str, Any]]) -> dict[str, Any]:
    """Stop the kiosk, let nothing be unposted, and compare the three books of each tender."""
    _drain(world)
    world.processes.stop("kiosk", 60)
    journal = world.base / "kiosk" / "journal.db"
    chain_ok = _verified(journal)
    exported = out / "journal.jsonl"
    world.processes.run("kiosk", "journal", "export", str(journal), "--out", str(exported))
    records = [json.loads(line) for line in exported.read_text(encoding="utf-8").splitlines()]
    _keep_receipts(world.receipts, out)
    return {
        "journeys": played,
        "cassette_minor": world.cassette_minor() + world.taken_minor,
        "journal_minor": cash_in(records),
        "ledger_minor": world.ledger_minor(),
        "batch_minor": world.batch_minor(),
        "journal_card_minor": by_card(records),
        "receivable_minor": world.receivable_minor(),
        "dropped_minor": world.dropped_minor,
        "journal_check_minor": by_check(records),
        "checks_minor": world.checks_minor(),
        "records": len(records),
        "chain_ok": chain_ok,
    }


def cash_in(records: list[dict[str, Any]]) -> int:
    """Return the cents that the journal says are in cassettes: by note facts alone."""
    return _sum(records, {"NoteStacked": 1, "NoteUnexpected": 1, "NotePaidOut": -1}, "value_minor")


def _sum(records: list[dict[str, Any]], signs: dict[str, int], name: str) -> int:
    bodies = [(signs[record["kind"]], record["entry"]["body"]) for record in records if record["kind"] in signs]
    return sum(sign * int(body[name]) for sign, body in bodies)


def by_card(records: list[dict[str, Any]]) -> int:
    """Return the cents that the journal says were taken from cards, less what was undone or given back."""
    return _sum(records, {"CardSaleApproved": 1, "CardSaleVoided": -1, "CardRefunded": -1}, "amount_minor")


def by_check(records: list[dict[str, Any]]) -> int:
    """Return the cents of the checks that the journal says are in the pocket."""
    return _sum(records, {"CheckTaken": 1}, "amount_minor")


def _drain(world: World) -> None:
    until = time.monotonic() + DRAIN_S
    newest = -1
    while time.monotonic() < until:
        held = world.head_seq()
        if held == newest and held >= world.journal_seq():
            return
        newest = held
        time.sleep(0.3)
    raise DemoFailed("the server does not hold all records after a minute")


def _verified(journal: Path) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "journal", "verify", str(journal)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode == 0


def _keep_receipts(receipts: Path, out: Path) -> None:
    for path in sorted(receipts.glob("receipt-*")):
        shutil.copy(path, out / path.name)


def _keep(logs: Path, out: Path) -> None:
    if logs.is_dir():
        shutil.copytree(logs, out, dirs_exist_ok=True)


def _report(summary: dict[str, Any]) -> int:
    books = (
        (("in the cassette", "cassette_minor"), ("in the journal", "journal_minor"), ("in the ledger", "ledger_minor")),
        (
            ("taken by the card reader", "batch_minor"),
            ("in the journal", "journal_card_minor"),
            ("in the ledger", "receivable_minor"),
        ),
        (
            ("checks dropped", "dropped_minor"),
            ("in the journal", "journal_check_minor"),
            ("in the ledger", "checks_minor"),
        ),
    )
    agree = all(len({summary[key] for _, key in three}) == 1 for three in books)
    for three in books:
        print()
        for name, key in three:
            print(f"  {name:28} {summary[key] / 100:10,.2f}")
    print(f"  {'records':28} {summary['records']:10,}  chain {'good' if summary['chain_ok'] else 'BROKEN'}")
    good = agree and summary["chain_ok"] and all(journey["ok"] for journey in summary["journeys"])
    print(f"\n  {'All agree to the cent.' if agree else 'THE BOOKS DO NOT AGREE.'}")
    return 0 if good else 1


# A person with the dock


def _by_hand(base: Path, acceptor: str) -> int:
    world = World(base, "", HAND_SIZE, place=HAND_PLACE, acceptor=acceptor, cards=True, checks=True)
    try:
        world.start(bills=20)
        world.twin("terminal").ask("auto", outcome="approve")  # the dock has no card yet
        print("demo: hold a bill to the camera in the dock; staff PINs 246810, 135790; close the dock", flush=True)
        dock = [sys.executable, "-m", "hardware.sim.dock", "--bills", str(world.bills), "--geometry", DOCK]
        for twin in ("acceptor", "printer", "camera", "network", "checks"):
            dock += [f"--{twin}", str(world.control(twin))]
        return subprocess.run(dock, check=False).returncode
    except KeyboardInterrupt:
        return 0
    finally:
        world.stop()
