"""Goal: the README's command works: scripted residents in a real window, and three books that agree to the cent."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from kiosk.demo.journeys import JOURNEYS

OWED = (
    "exact-cash",
    "part-payment",
    "overpayment",
    "cancel-before-money",
    "walk-away",
    "spanish",
    "offline-then-back",
    "power-cut-while-stacking",
    "cable-pulled-in-escrow",
    "paper-out",
    "refund",
    "card-approved",
    "card-declined",
    "cash-then-card",
    "card-lost-then-found",
    "cart",
    "check",
    "change-given",
)


@pytest.mark.timeout(540)
@pytest.mark.xdist_group("demo")
def test_scripted_residents_end_with_books_that_agree(tmp_path: Path) -> None:
    assert set(OWED) <= set(JOURNEYS)
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "demo", "--headless", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert [journey["name"] for journey in summary["journeys"]] == list(JOURNEYS)
    assert summary["cassette_minor"] == summary["journal_minor"] == summary["ledger_minor"] > 0
    assert summary["batch_minor"] == summary["journal_card_minor"] == summary["receivable_minor"] > 0
    assert summary["dropped_minor"] == summary["journal_check_minor"] == summary["checks_minor"] > 0
    assert summary["chain_ok"]
    records = (tmp_path / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert summary["records"] == len(records) == json.loads(records[-1])["seq"]
    assert len(list(tmp_path.glob("receipt-*.txt"))) == len(list(tmp_path.glob("receipt-*.png"))) >= 8
    for picture in (tmp_path / "screens").glob("*.png"):
        with Image.open(picture) as image:
            assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 20, f"{picture.name} shows nothing"
