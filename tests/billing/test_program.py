"""`python -m billing` as a process: the demo city served, bills printed, the books shown."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing.customers import billcode
from billing.demo import city
from tests.billing.kiosk import enrol_with
from tests.billing.test_ledger import INSERT

ROOT = Path(__file__).resolve().parents[2]
CITY = json.loads(city.CITY_FILE.read_text(encoding="utf-8"))


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("BILLING_", "DJANGO_"))}


def run(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "billing", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False, **options
    )


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("billing")


@pytest.fixture(scope="module")
def demo(state: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "billing", "serve", "--port", "0", "--state", str(state), "--demo"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["listening"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def test_the_known_accounts_are_as_the_city_file_says(demo: str, state: Path) -> None:
    code = run("enrol-code", "--state", str(state)).stdout.strip()
    kiosk = enrol_with(demo, code, Ed25519PrivateKey.generate())
    assert (kiosk.kiosk_id, kiosk.epoch) == ("rb-07", 1)
    for known in CITY["known"]:
        query = {"number": known["number"], "check": known["house_number"]}
        seen = kiosk.get("/v1/accounts:resolve", params=query).json()
        assert seen["account"] == city.token(known["number"])
        assert seen["status"] == known["status"]
        assert (seen["balance_minor"], seen["past_due_minor"]) == (known["balance_minor"], known["past_due_minor"])
    assert sorted(known["balance_minor"] for known in CITY["known"])[:2] == [0, 0]
    assert {2500, 5318, 12000, 6000, 4000} <= {known["balance_minor"] for known in CITY["known"]}


def test_the_ledger_balances(demo: str, state: Path) -> None:
    report = json.loads(run("ledger", "--state", str(state)).stdout)["USD"]
    assert report["debit_minor"] == report["credit_minor"] > 0
    owed = {account["account"]: account["balance_minor"] for account in report["accounts"]}
    assert owed["receivable"] > sum(known["balance_minor"] for known in CITY["known"])


def test_the_city_has_five_hundred_accounts_the_same_each_time(demo: str, state: Path) -> None:
    with sqlite3.connect(state / "billing.sqlite3") as connection:
        rows = connection.execute("SELECT number, token, house_number, status FROM customers_account").fetchall()
    assert len(rows) == CITY["accounts"] == 500
    assert all(billcode.is_account_number(number) for number, *_ in rows)
    drawn = [(h.number, city.token(h.number), h.house_number, h.status) for h in city._drawn(CITY)]
    assert rows[len(CITY["known"]) :] == drawn
    assert len({status for *_, status in rows}) == 2


def test_printed_bills_are_read_back(demo: str, state: Path, tmp_path: Path) -> None:
    import zxingcpp
    from PIL import Image
    from pyzbar import pyzbar

    printed = run("make-bills", "--state", str(state), "--out", str(tmp_path), "--accounts", "2").stdout.split()
    assert len(printed) == 4  # three bills of the first account, one of the second
    for name in printed:
        picture = tmp_path / "page.png"
        render = ["pdftoppm", "-r", "150", "-gray", "-png", "-singlefile", name, str(picture.with_suffix(""))]
        subprocess.run(render, check=True, timeout=60)
        with Image.open(picture) as image:
            codes = {(code.type, code.data.decode()) for code in pyzbar.decode(image)}
            assert {code.text for code in zxingcpp.read_barcodes(image)} == {text for _, text in codes}
        assert {kind for kind, _ in codes} == {"QRCODE", "CODE128"}
        (text,) = {text for _, text in codes}
        code = billcode.decode(text)
        account, number = re.fullmatch(r"bill-(\d+)-(\d+)\.pdf", Path(name).name).groups()  # type: ignore[union-attr]
        assert code is not None
        assert (code.account, code.bill) == (account, number)


def test_the_server_key_outlives_a_restart_and_is_private(demo: str, state: Path) -> None:
    assert (state / "server-key").stat().st_mode & 0o777 == 0o600
    assert (state / "session-secret").stat().st_mode & 0o777 == 0o600


def test_a_database_without_its_guards_is_not_served(tmp_path: Path) -> None:
    assert run("ledger", "--state", str(tmp_path)).returncode == 0
    with sqlite3.connect(tmp_path / "billing.sqlite3") as connection:
        connection.execute("DROP TRIGGER ledger_transaction_check")
    refused = run("ledger", "--state", str(tmp_path))
    assert refused.returncode != 0
    assert "ledger_transaction_check" in refused.stderr


def test_bills_can_be_printed_without_a_server(tmp_path: Path) -> None:
    order = ("make-bills", "--state", str(tmp_path), "--out", str(tmp_path / "bills"), "--accounts", "1")
    assert run(*order).returncode == 1
    assert len(run(*order, "--demo").stdout.split()) == 3


def test_sqlite_takes_one_worker(state: Path, demo: str) -> None:
    refused = run("serve", "--workers", "2", "--state", str(state), "--port", "0")
    assert (refused.returncode, "one worker" in refused.stderr) == (2, True)


def test_staff_passwords_are_argon2_and_not_short(demo: str, state: Path) -> None:
    assert run("add-staff", "clerk", "--state", str(state), input="short\n").returncode == 2
    assert run("add-staff", "clerk", "--state", str(state), input="river otters at noon\n").returncode == 0
    with sqlite3.connect(state / "billing.sqlite3") as connection:
        ((stored,),) = connection.execute("SELECT password FROM auth_user WHERE username = 'clerk'").fetchall()
    assert stored.startswith("argon2$argon2id$")
    with requests.Session() as browser:
        token = browser.get(f"{demo}/admin/login/", timeout=30).cookies["csrftoken"]
        form = {"username": "clerk", "password": "river otters at noon", "csrfmiddlewaretoken": token}
        home = browser.post(f"{demo}/admin/login/?next=/admin/", data=form, timeout=30)
        assert "Accounts, kiosks and ledger" in home.text
        assert browser.get(f"{demo}/static/admin/css/base.css", timeout=30).status_code == 200


def test_suspense_that_differs_from_the_ledger_is_a_failure(tmp_path: Path) -> None:
    order = ("check-suspense", "--state", str(tmp_path))
    well = run(*order)
    assert (well.returncode, json.loads(well.stdout)["differences"]) == (0, [])
    with sqlite3.connect(tmp_path / "billing.sqlite3") as connection:
        lines = '[["cash","k/1",5],["suspense","n",-5]]'
        connection.execute(INSERT.format(reference="by hand", lines=lines))
    wrong = run(*order)
    assert wrong.returncode == 1
    assert "ledger_minor': 5, 'items_minor': 0" in wrong.stderr
    unknown = run(
        "add-staff", "ann", "--group", "Suspense: all", "--state", str(tmp_path), input="river otters at noon\n"
    )
    assert (unknown.returncode, "no such group: Suspense: all" in unknown.stderr) == (2, True)
