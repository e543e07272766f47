"""The server's command line: `python -m billing COMMAND`; `--help` lists the commands."""

import argparse
import json
import os
import sys
from pathlib import Path

DEMO_KIOSK, DEMO_PREFIX = "rb-07", "RB-07"


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    os.environ["BILLING_STATE"] = str(options.state.resolve())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")
    import django

    django.setup()
    _migrate()
    status: int = options.run(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="billing", description="The city's billing server")
    commands = parser.add_subparsers(required=True)

    serve = commands.add_parser("serve", help="run the server in the foreground")
    serve.set_defaults(run=_serve)
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; BILLING_HOSTS lists the names it has")
    serve.add_argument("--port", type=int, default=8000, help="0 picks a free one")
    serve.add_argument("--workers", type=int, default=1, help="processes; more than one only with PostgreSQL")
    serve.add_argument("--threads", type=int, default=8)
    serve.add_argument("--demo", action="store_true", help="fill an empty database with the City of Riverbend")

    code = commands.add_parser("enrol-code", help="print a one-time code for a kiosk, good for one hour")
    code.set_defaults(run=_enrol_code)
    code.add_argument("--kiosk", default=DEMO_KIOSK, help="kiosk id; the kiosk is added if it is new")
    code.add_argument("--prefix", default="", help="receipt prefix of a new kiosk; its id in capitals if not given")

    bills = commands.add_parser("make-bills", help="print open invoices as PDF bills")
    bills.set_defaults(run=_make_bills)
    bills.add_argument("--out", type=Path, required=True)
    bills.add_argument("--demo", action="store_true", help="fill an empty database with the City of Riverbend first")
    bills.add_argument(
        "--accounts", type=int, default=20, help="how many accounts that owe, in the order they were opened"
    )

    ledger = commands.add_parser("ledger", help="print the trial balance as JSON")
    ledger.set_defaults(run=_ledger)

    suspense = commands.add_parser(
        "check-suspense", help="print suspense by age as JSON; status 1 if it differs from the ledger"
    )
    suspense.set_defaults(run=_check_suspense)

    staff = commands.add_parser("add-staff", help="add a back-office login; the password comes on standard input")
    staff.set_defaults(run=_add_staff)
    staff.add_argument("name")
    staff.add_argument(
        "--group",
        action="append",
        default=[],
        help='a group of the back office, such as "Suspense: propose"; without one the login may do everything',
    )

    for command in commands.choices.values():
        command.add_argument("--state", type=Path, required=True, help="directory of the database and the keys")
    return parser


def _migrate() -> None:
    from django.core.management import call_command

    from billing.ledger import guards

    call_command("migrate", verbosity=0, interactive=False)
    if missing := guards.missing():
        raise SystemExit(f"the database lacks its guards: {', '.join(missing)}")


def _serve(options: argparse.Namespace) -> int:
    from django.conf import settings
    from django.db import connections

    from billing.serving import Server
    from billing.state import server_key

    if options.demo:
        from billing.demo import city

        city.seed()
    if options.workers > 1 and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        print("SQLite takes one worker; use --threads", file=sys.stderr)
        return 2
    if options.host not in ("127.0.0.1", "localhost", "0.0.0.0"):
        settings.ALLOWED_HOSTS.append(options.host)
    server_key(settings.STATE)
    connections.close_all()  # workers are forks: a connection must not cross into them
    Server(options.host, options.port, options.workers, options.threads).run()
    return 0


def _enrol_code(options: argparse.Namespace) -> int:
    from billing import clock
    from billing.kiosks import enrolment
    from billing.kiosks.models import Kiosk

    prefix = options.prefix or options.kiosk.upper()
    kiosk, _ = Kiosk.objects.get_or_create(pk=options.kiosk, defaults={"receipt_prefix": prefix})
    print(enrolment.new_code(kiosk, clock.now()))
    return 0


def _make_bills(options: argparse.Namespace) -> int:
    from billing.demo import bills, city

    if options.demo:
        city.seed()
    paths = list(bills.print_bills(options.out, options.accounts))
    for path in paths:
        print(path)
    if not paths:
        print("no account owes anything; --demo fills an empty database", file=sys.stderr)
    return 0 if paths else 1


def _ledger(options: argparse.Namespace) -> int:
    from billing.ledger import balances

    print(json.dumps(balances.trial_balance(), indent=1))
    return 0


def _check_suspense(options: argparse.Namespace) -> int:
    from billing import clock
    from billing.journal import ageing

    report = ageing.report(clock.now())
    print(json.dumps(report, indent=1))
    for difference in report["differences"]:
        print(f"suspense differs from the ledger: {difference}", file=sys.stderr)
    return 1 if report["differences"] else 0


def _add_staff(options: argparse.Namespace) -> int:
    from django.contrib.auth import get_user_model, password_validation
    from django.contrib.auth.models import Group
    from django.core.exceptions import ValidationError

    password = sys.stdin.readline().rstrip("\n")
    try:
        password_validation.validate_password(password)
    except ValidationError as error:
        print("; ".join(error.messages), file=sys.stderr)
        return 2
    groups = list(Group.objects.filter(name__in=options.group))
    if unknown := sorted(set(options.group) - {group.name for group in groups}):
        print(f"no such group: {', '.join(unknown)}", file=sys.stderr)
        return 2
    users = get_user_model().objects
    if groups:
        users.create_user(options.name, "", password, is_staff=True).groups.set(groups)
    else:
        users.create_superuser(options.name, "", password)
    return 0


if __name__ == "__main__":
    sys.exit(main())
