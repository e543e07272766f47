"""Key and enrolment files."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.journal.keys import (
    Enrolment,
    KeyUnusable,
    load_enrolment,
    load_key,
    load_or_make_key,
    make_key,
    public_key_from,
    public_key_text,
    save_enrolment,
)

SERVER = public_key_text(Ed25519PrivateKey.from_private_bytes(bytes(32)))
ENROLMENT = Enrolment("rb-07", 1, "ab" * 32, SERVER, "RB-07", "Río Bend", "America/Chicago")


def test_a_key_is_made_once_private_and_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.key"
    made = load_or_make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_key_text(load_or_make_key(path)) == public_key_text(made)
    with pytest.raises(FileExistsError):
        make_key(path)
    assert public_key_text(load_key(path)) == public_key_text(made)
    assert [file.name for file in tmp_path.iterdir()] == ["kiosk.key"]


def test_a_key_open_to_others_is_refused(tmp_path: Path) -> None:
    make_key(tmp_path / "kiosk.key")
    (tmp_path / "kiosk.key").chmod(0o640)
    with pytest.raises(KeyUnusable, match="mode 640"):
        load_key(tmp_path / "kiosk.key")


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.key"
    path.touch(0o600)
    with pytest.raises(KeyUnusable, match="no key"):
        load_key(path)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(generate_private_key(SECP256R1()).private_bytes(encoding, form, serialization.NoEncryption()))
    with pytest.raises(KeyUnusable, match="Ed25519"):
        load_key(path)


def test_an_enrolment_comes_back_as_saved(tmp_path: Path) -> None:
    path = tmp_path / "enrolment.json"
    save_enrolment(path, ENROLMENT)
    save_enrolment(path, ENROLMENT)
    assert load_enrolment(path) == ENROLMENT
    assert public_key_text(ENROLMENT.pinned_server_key()) == SERVER
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", [{"epoch": "1"}, {"epoch": True}, {"server_key": "?"}, {"city": None}])
def test_a_wrong_enrolment_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "enrolment.json"
    path.write_text(json.dumps(asdict(ENROLMENT) | change))
    with pytest.raises(KeyUnusable):
        load_enrolment(path)


@pytest.mark.parametrize("text", ["", "[]", '{"kiosk_id": "rb-07"}', "7"])
def test_an_incomplete_enrolment_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "enrolment.json").write_text(text)
    with pytest.raises(KeyUnusable):
        load_enrolment(tmp_path / "enrolment.json")


def test_a_public_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(KeyUnusable):
        public_key_from("AAAA")
