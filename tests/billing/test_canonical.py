"""The quick way to tell RFC 8785 form: it says yes only where rfc8785 does, and does so for what kiosks write."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from billing.journal import canonical, records
from billing.journal.records import Malformed, Record, Wire, check

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VECTORS = Path(__file__).parents[1] / "vectors" / "journal.json"
ODD = (
    b'{"a":1.0}', b'{"a":1e+16}', b'{"a":1E2}', b'{"a":-0}', b'{"a":0.5}', b'{"a":NaN}', b'{"a":-Infinity}',
    b'{"a":9007199254740991}', b'{"a":9007199254740992}', b'{"a":-9007199254740993}', b'{"a":999999999999999}',
    b'{"a":' + b"9" * 5000 + b"}", b'{"a":01}',
    b'{"b":1,"a":1}', b'{"a":1,"a":1}', b'{"a":1,"a":2}', b'{"a": 1}', b' {"a":1}', b'{"a":1}\n',
    b'{"a":"\\u0041"}', b'{"a":"\\/"}', b'{"a":"\\u001F"}', b'{"a":"\\u001f"}', b'{"a":"\\u000a"}', b'{"a":"\\n"}',
    b'{"a":"\x7f"}', b'{"a":"\\ud800"}', b'{"a":"\\ud83d\\ude00"}', b'{"\\ud83d\\ude00":1,"\\uffee":1}',
    '{"😀":1,"\uffee":1}'.encode(), '{"\uffee":1,"😀":1}'.encode(), '{"a":"ñ"}'.encode(),
    b"", b"null", b"1", b'"a"', b"[]", b"{}", b"\xef\xbb\xbf{}", b"{\x00}\x00", b"\xff",
    b"[" * 99 + b"]" * 99, b"[" * 101 + b"]" * 101, b"[" * 16000, b"[" * 16000 + b"]" * 16000,
)  # fmt: skip

WORDS = st.text(st.characters(codec="ascii"), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**14) + 1, 10**15 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
WRITERS = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "sort_keys": st.booleans(),
        "separators": st.sampled_from([(",", ":"), (", ", ":")]),
    }
)


def is_proper(entry: bytes) -> bool:
    try:
        return rfc8785.dumps(json.loads(entry)) == entry
    except (ValueError, RecursionError):
        return False


def require_no_false_yes(entry: bytes) -> None:
    content = canonical.plain(entry)
    if content is not None:
        assert is_proper(entry)
        assert (content, repr(content)) == (json.loads(entry), repr(json.loads(entry)))


@pytest.mark.parametrize("entry", ODD, ids=lambda entry: repr(entry[:30]))
def test_odd_entries_are_left_to_rfc8785(entry: bytes) -> None:
    require_no_false_yes(entry)


@given(ANY, WRITERS)
def test_no_other_form_passes(content: Any, how: dict[str, Any]) -> None:
    text = json.dumps(content, **how)
    require_no_false_yes(text.encode(errors="replace"))


@given(st.text(st.sampled_from('{}[]",:\\u01e.+-9aé\n tfnl'), max_size=30))
def test_noise_does_not_pass(text: str) -> None:
    require_no_false_yes(text.encode())


@given(PLAIN)
@example({"a": 999_999_999_999_999, "b": -99_999_999_999_999})
def test_plain_content_takes_the_quick_way(content: Any) -> None:
    assert canonical.plain(rfc8785.dumps(content)) == content


def test_what_kiosks_write_takes_the_quick_way() -> None:
    entries = [record["entry"] for record in json.loads(VECTORS.read_text(encoding="utf-8"))["records"]]
    plain = [entry for entry in entries if entry.isascii()]
    assert len(plain) > 5
    assert all(canonical.plain(entry.encode()) is not None for entry in plain)


@given(ANY | st.fixed_dictionaries({"body": ANY}), WRITERS)
def test_the_verdict_is_the_same_either_way(content: Any, how: dict[str, Any]) -> None:
    envelope = {
        **dict.fromkeys(("kiosk_id", "entry_id", "kind", "device_time", "clock_state", "boot_id", "prev_hash"), "x"),
        **dict.fromkeys(("v", "epoch", "seq", "mono_ms"), 1),
    }
    whole = envelope | content if isinstance(content, dict) else content
    text = json.dumps(whole, **how).encode(errors="replace").decode()
    with pytest.MonkeyPatch.context() as patch:
        quick = verdict(text)
        patch.setattr(records.canonical, "plain", lambda entry: None)
        assert verdict(text) == quick


def verdict(text: str) -> Record | str:
    digest = hashlib.sha256(text.encode()).digest()
    wire = Wire(text, digest.hex(), b64encode(KEY.sign(digest)).decode())
    try:
        return check(wire, KEY.public_key(), "x", 1)
    except Malformed as error:
        return error.why
