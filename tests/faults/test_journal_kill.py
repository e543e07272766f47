"""A kiosk killed in the middle of appends: what was acknowledged is there, and the chain goes on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import SessionOpened
from kiosk.journal import audit
from kiosk.journal.record import Moment
from kiosk.journal.store import Journal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NONCE = "ab" * 32
ROOT = Path(__file__).parents[2]

# Says each sequence number only after append has returned; checkpoints now and then, as an idle kiosk does.
WRITER = """
import sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kiosk.domain.facts import SessionOpened
from kiosk.journal.record import Moment
from kiosk.journal.store import Journal

key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
journal = Journal.open(Path(sys.argv[1]), key=key, kiosk_id="rb-07", epoch=1, nonce="ab" * 32, allow_volatile=True)
number = journal.head.seq
while True:
    number += 1
    moment = Moment(f"entry-{number}", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, number)
    facts = [(SessionOpened(f"session-{number}-{part}"), moment) for part in range(1 + number % 3)]
    records = journal.append(facts)
    print(records[-1].seq, records[-1].hash, flush=True)
    if number % 7 == 0:
        journal.checkpoint()
"""


def killed_after(path: Path, lines: int) -> tuple[int, str]:
    """Run the writer, kill it once it has said `lines` lines, and return the last thing it said."""
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        said += [line for line in writer.stdout if line.endswith("\n")]
    seq, digest = said[-1].split()
    return int(seq), digest


def opened(path: Path) -> Journal:
    return Journal.open(path, key=KEY, kiosk_id="rb-07", epoch=1, nonce=NONCE, allow_volatile=True)


def test_acknowledged_appends_survive_being_killed_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for lines in (1, 5, 23, 40):
        seq, digest = killed_after(path, lines)
        report = audit.verify(path, KEY.public_key())
        assert report.ok, report.reason
        assert report.head_seq >= seq
        journal = opened(path)
        assert journal.records(seq - 1, 1)[0].hash == digest
        moment = Moment("entry", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, 0)
        following = journal.append([(SessionOpened("after"), moment)])[0]
        assert following.seq == report.head_seq + 1
        assert following.envelope().prev_hash == report.head_hash
        journal.close()


def test_a_running_kiosk_is_recognised_from_another_process(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal.db")
    look = (
        "import sys; from pathlib import Path; from kiosk.journal.audit import export;"
        "export(Path(sys.argv[1]), sys.stdout)"
    )
    command = [sys.executable, "-c", look, str(tmp_path / "journal.db")]
    other = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "JournalInUse: a running kiosk holds" in other.stderr
    second = [sys.executable, "-c", WRITER, str(tmp_path / "journal.db")]
    other = subprocess.run(second, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "JournalInUse: a running kiosk holds the journal" in other.stderr
    journal.close()


@pytest.mark.parametrize("left", ["journal.db.new", "journal.db.witness.new"])
def test_what_a_killed_beginning_leaves_is_in_nobodys_way(tmp_path: Path, left: str) -> None:
    (tmp_path / left).write_bytes(b"half")
    journal = opened(tmp_path / "journal.db")
    assert journal.head.seq == 0
    journal.close()
    assert not (tmp_path / left).exists()
