"""Enrolment, signatures, head and heartbeat over real HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing import clock
from billing.kiosks import enrolment
from billing.kiosks.models import EnrolmentCode, Kiosk, SeenNonce
from tests.billing.kiosk import Client, enrol_with, enrolled, new_kiosk, public


def enrol(url: str, code: str, key: str) -> requests.Response:
    return requests.post(f"{url}/v1/enrolments", json={"code": code, "public_key": key}, timeout=30)


def test_a_code_lets_one_key_in_and_may_be_repeated(server: str) -> None:
    code = enrolment.new_code(new_kiosk(), clock.now())
    key = public(Ed25519PrivateKey.generate())
    first, again = enrol(server, code, key), enrol(server, code.lower().replace("-", " "), key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert {**first.json(), "server_time": ""} == {**again.json(), "server_time": ""}
    other = enrol(server, code, public(Ed25519PrivateKey.generate()))
    assert (other.status_code, other.json()["type"]) == (403, "/problems/enrolment-refused")


def test_unknown_used_and_run_out_codes_read_the_same(server: str) -> None:
    key = public(Ed25519PrivateKey.generate())
    kiosk = new_kiosk()
    old = enrolment.new_code(kiosk, clock.now() - enrolment.LIFETIME)
    replaced = enrolment.new_code(kiosk, clock.now())
    enrolment.new_code(kiosk, clock.now())
    answers = [enrol(server, code, key) for code in ("AAAA-BBBB-CCCC", old, replaced)]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.text for answer in answers}) == 1


def test_codes_are_not_stored(server: str) -> None:
    code = enrolment.new_code(new_kiosk(), clock.now())
    assert code.replace("-", "") not in str(list(EnrolmentCode.objects.values_list()))


def test_a_new_enrolment_opens_a_new_epoch(server: str) -> None:
    kiosk = new_kiosk()
    first, second = enrolled(server, kiosk), enrolled(server, kiosk)
    assert (first.epoch, second.epoch) == (1, 2)
    assert first.journal.nonce != second.journal.nonce
    assert first.get(f"/v1/kiosks/{kiosk.pk}/head").json()["epoch"] == 1  # the old epoch may still drain


@pytest.mark.parametrize("key", ["", "AAAA", "§", "A" * 44])
def test_a_wrong_public_key_is_named(server: str, key: str) -> None:
    answer = enrol(server, enrolment.new_code(new_kiosk(), clock.now()), key)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/public_key"


def test_an_unsigned_request_is_refused(server: str, kiosk: Client) -> None:
    response = requests.get(f"{server}/v1/kiosks/{kiosk.kiosk_id}/head", timeout=30)
    assert (response.status_code, response.json()["type"]) == (401, "/problems/signature-invalid")


@pytest.mark.parametrize("name", ["body", "target", "epoch", "digest", "coverage", "key"])
def test_a_tampered_request_is_refused(kiosk: Client, name: str) -> None:
    path = f"/v1/kiosks/{kiosk.kiosk_id}/heartbeats"
    request = kiosk.prepare("POST", path, json={"boot_id": "b", "counter": 1})
    if name == "body":
        request.body = request.body.replace(b"1", b"2")
    elif name == "target":
        request.url += "?more=1"
    elif name == "epoch":
        request.headers["Kiosk-Epoch"] = "2"
    elif name == "digest":
        request.headers["Content-Digest"] = "sha-256=:AAAA:"
    elif name == "coverage":
        request.headers["Signature-Input"] = request.headers["Signature-Input"].replace('"content-digest" ', "")
    else:
        kiosk.key = Ed25519PrivateKey.generate()
        request = kiosk.prepare("POST", path, json={"boot_id": "b", "counter": 1})
    response = kiosk.send(request)
    assert (response.status_code, response.json()["type"]) == (401, "/problems/signature-invalid")


def test_a_body_that_the_signature_does_not_cover_is_refused(kiosk: Client) -> None:
    request = kiosk.prepare("POST", "/v1/quotes")
    request.body = b'{"account": "t", "amount_minor": 100}'
    request.headers["Content-Length"] = str(len(request.body))
    assert kiosk.send(request).status_code == 401


def test_a_replayed_request_is_refused(kiosk: Client) -> None:
    request = kiosk.prepare("GET", f"/v1/kiosks/{kiosk.kiosk_id}/head")
    assert kiosk.send(request).status_code == 200
    replay = kiosk.send(request)
    assert (replay.status_code, replay.json()["detail"]) == (401, "nonce-used")


@pytest.mark.parametrize("shift_s", [-3600 * 24 * 3650, -400, 400, 3600 * 24 * 3650])
def test_a_wrong_clock_is_told_the_time_under_signature(kiosk: Client, shift_s: int) -> None:
    kiosk.shift = timedelta(seconds=shift_s)
    response = kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head")
    problem = response.json()
    assert (response.status_code, problem["type"], problem["retryable"]) == (401, "/problems/signature-stale", True)
    told = datetime.fromisoformat(problem["server_time"])
    kiosk.shift += told - (datetime.now(UTC) + kiosk.shift)
    assert kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head").status_code == 200


def test_nonces_are_forgotten_when_their_requests_are_stale(kiosk: Client) -> None:
    assert kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head").status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        assert kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head").status_code == 200
    assert SeenNonce.objects.filter(kiosk_id=kiosk.kiosk_id).count() == 1


def test_a_kiosk_speaks_of_itself_alone(server: str, kiosk: Client) -> None:
    other = enrolled(server)
    response = kiosk.get(f"/v1/kiosks/{other.kiosk_id}/head")
    assert (response.status_code, response.json()["type"]) == (403, "/problems/scope")


def test_the_head_begins_at_the_nonce(kiosk: Client) -> None:
    head = kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head").json()
    assert (head["head_seq"], head["head_hash"], head["frozen"]) == (0, kiosk.journal.nonce, "")


def test_heartbeats_are_kept_once_and_in_order(kiosk: Client) -> None:
    path = f"/v1/kiosks/{kiosk.kiosk_id}/heartbeats"
    for counter, paper in ((1, "ok"), (3, "low"), (2, "late one"), (3, "again")):
        answer = kiosk.post(path, {"boot_id": "b", "counter": counter, "health": {"paper": paper}})
        assert answer.json()["commands"] == []
    assert Kiosk.objects.get(pk=kiosk.kiosk_id).health == '{"paper": "low"}'
    kiosk.post(path, {"boot_id": "c", "counter": 1, "health": {}})
    assert Kiosk.objects.get(pk=kiosk.kiosk_id).boot_id == "c"


def test_unknown_addresses_and_methods_are_problems(server: str, kiosk: Client) -> None:
    missing = requests.get(f"{server}/v1/nowhere", timeout=30)
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")
    wrong = requests.delete(f"{server}/v1/journal", timeout=30)
    assert (wrong.status_code, wrong.json()["type"]) == (405, "/problems/method-not-allowed")
    assert wrong.headers["Allow"] == "POST"


def test_a_restored_enrolment_is_the_same_kiosk(server: str) -> None:
    code, key = enrolment.new_code(new_kiosk(), clock.now()), Ed25519PrivateKey.generate()
    first, again = enrol_with(server, code, key), enrol_with(server, code, key)
    assert (first.kiosk_id, first.epoch, first.journal.nonce) == (again.kiosk_id, again.epoch, again.journal.nonce)
