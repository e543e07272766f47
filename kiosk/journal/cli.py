"""`journal verify FILE` and `journal export FILE [--out FILE]` for the journal of a kiosk that is not running.

FILE of `verify` may also be one file of the archive. `--archive` takes what was pruned from the archive beside FILE.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.journal import audit
from kiosk.journal.archive import SUFFIX
from kiosk.journal.chain import Expectation, Report
from kiosk.journal.errors import JournalDamaged, JournalInUse
from kiosk.journal.keys import (
    ENROLMENT_NAME,
    KEY_NAME,
    Enrolment,
    KeyUnusable,
    load_enrolment,
    load_key,
    public_key_from,
)

GOOD, DAMAGED, UNUSABLE = 0, 1, 2


def main(argv: Sequence[str]) -> int:
    """Run one command. Returns 0 for a good journal, 1 for a damaged one, 2 when it cannot be looked at."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "verify":
            return _verify(arguments)
        return _export(arguments)
    except JournalDamaged as damage:
        print(f"damaged: {damage}", file=sys.stderr)
        return DAMAGED
    except (JournalInUse, KeyUnusable, OSError) as error:
        print(f"cannot tell: {error}", file=sys.stderr)
        return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="journal", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="check chain, hashes, signatures and witness")
    verify.add_argument("file", type=Path)
    verify.add_argument("--key", type=Path, help=f"the kiosk's key (else {ENROLMENT_NAME} or {KEY_NAME} beside FILE)")
    verify.add_argument("--archive", action="store_true", help="check the archive beside FILE too, as one chain")
    verify.add_argument("--json", action="store_true", help="print the report as one JSON object")
    export = commands.add_parser("export", help="write one JSON line a record")
    export.add_argument("file", type=Path)
    export.add_argument("--key", type=Path, help="with --archive: the kiosk's key, as for verify")
    export.add_argument("--archive", action="store_true", help="begin with what was pruned, out of the archive")
    export.add_argument("--out", type=Path, help="write here instead of standard output")
    return parser


def _verify(arguments: argparse.Namespace) -> int:
    enrolment = _enrolment(arguments.file)
    expect, server_key = Expectation(), None
    if enrolment:
        expect = Expectation(enrolment.kiosk_id, enrolment.epoch, enrolment.nonce)
        server_key = enrolment.pinned_server_key()
    public_key = _public_key(arguments.file, arguments.key, enrolment)
    if arguments.file.name.endswith(SUFFIX):
        report = audit.verify_archive(arguments.file, public_key, expect=expect)
        if report.ok and not arguments.json:
            print(f"good: records {report.first_seq} to {report.head_seq}, the last {report.head_hash}")
            return GOOD
    else:
        more = {"server_key": server_key, "with_archive": arguments.archive}
        report = audit.verify(arguments.file, public_key, expect=expect, **more)
    print(json.dumps(asdict(report)) if arguments.json else _sentence(report))
    return GOOD if report.ok else DAMAGED


def _export(arguments: argparse.Namespace) -> int:
    key = None
    if arguments.archive:
        key = _public_key(arguments.file, arguments.key, _enrolment(arguments.file))
    if arguments.out is None:
        audit.export(arguments.file, sys.stdout, key)
        return GOOD
    with arguments.out.open("w", encoding="utf-8") as out:
        count = audit.export(arguments.file, out, key)
    print(f"{count} records to {arguments.out}", file=sys.stderr)
    return GOOD


def _enrolment(file: Path) -> Enrolment | None:
    path = _beside(file, ENROLMENT_NAME)
    return load_enrolment(path) if path.exists() else None


def _beside(file: Path, name: str) -> Path:
    """The archive is a folder beside the journal: what belongs to both lies one further up."""
    return file.resolve().parent.with_name(name) if file.name.endswith(SUFFIX) else file.with_name(name)


def _public_key(file: Path, named: Path | None, enrolment: Enrolment | None) -> Ed25519PublicKey:
    if named is None and enrolment is not None and enrolment.public_key:
        return public_key_from(enrolment.public_key)
    return load_key(named or _beside(file, KEY_NAME)).public_key()


def _sentence(report: Report) -> str:
    if report.ok:
        since = f" from {report.first_seq} on (those before were pruned)" if report.first_seq > 1 else ""
        return f"good: {report.records} records{since}, {report.acked_seq} acknowledged, head {report.head_hash}"
    where = f"record {report.bad_seq}: " if report.bad_seq else ""
    return f"damaged: {where}{report.reason} ({report.records} records are good)"
