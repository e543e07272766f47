"""`kiosk doctor`: which acceptor hangs on the port, how the port took its settings, and what is not as configured.

    kiosk doctor --config FILE                 ask on the configured port; every protocol, the configured one first
    kiosk doctor --port PORT [--protocol P]    ask on any port, without a configuration

The kiosk must be stopped. Nothing is accepted, and a note that the device has to tell of is told again to the kiosk.
Exit code: 0 all is as configured, 1 something is not, 2 the port cannot be used.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from hardware.acceptors.families import FAMILIES
from hardware.acceptors.probe import Finding, Setting, probe
from hardware.transport.line import LineLost
from kiosk.brain.settings import Settings
from kiosk.config.load import load
from kiosk.config.model import Acceptor, Config
from kiosk.config.wrong import ConfigWrong
from kiosk.domain.money import format_minor
from kiosk.engine.acceptor_port import options_of, table_of, toggle_file


def main(argv: list[str]) -> int:
    """Print what was found; return the exit code."""
    parser = argparse.ArgumentParser(prog="kiosk doctor", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--config", type=Path)
    where.add_argument("--port")
    parser.add_argument("--protocol", choices=sorted(FAMILIES))
    options = parser.parse_args(argv)
    try:
        config = load(options.config) if options.config else None
    except ConfigWrong as wrong:
        print("The configuration is wrong:", *(f"  {error}" for error in wrong.errors), sep="\n", file=sys.stderr)
        return 2
    wanted = config.acceptor if config else None
    port = str(wanted.port) if wanted else options.port
    try:
        print(f"{port}: {node(port)}", flush=True)
        return _report(port, config, options.protocol)
    except LineLost as lost:
        print(f"  {lost}", file=sys.stderr)
        return 2


def _report(port: str, config: Config | None, only: str | None) -> int:
    wanted = config.acceptor if config else None
    protocols = [only] if only else order(wanted.protocol if wanted else "")
    complaints: list[str] = []
    found = False
    for finding in chain.from_iterable(probe(port, [name], setting_for(name, config)) for name in protocols):
        print("\n".join(lines(finding)), flush=True)
        found = finding.identity is not None or finding.waiting > 0
        if finding.identity and wanted:
            complaints += differences(finding, wanted)
        if finding.waiting:
            complaints.append(finding.silence)
            break
        if finding.in_escrow:
            complaints.append("it holds a note in escrow: start the kiosk, which settles it")
        if finding.warning:
            complaints.append(finding.warning)
        if found:
            break
    if not found:
        complaints.append("no acceptor answers: is it powered, and is the cable the right one?")
    for complaint in complaints:
        print(f"  !! {complaint}")
    if not complaints:
        print("  all is well")
    return 1 if complaints else 0


def setting_for(protocol: str, config: Config | None) -> Setting:
    """Return what a probe goes by. The configured protocol's codec has the kiosk's own table, and judges it."""
    if config is None:
        return Setting()
    wanted, toggle = config.acceptor, toggle_file(config.run_dir)
    if wanted is None or wanted.protocol != protocol:
        return Setting(toggle=toggle)
    return Setting(options_of(wanted), table_of(wanted, Settings.currency), toggle)


def order(first: str) -> list[str]:
    """Return all protocols, the configured one first."""
    return sorted(FAMILIES, key=lambda name: (name != first, name))


def protocol_of(finding: Finding) -> str:
    return next(name for name, family in FAMILIES.items() if family.name == finding.protocol)


def node(port: str) -> str:
    """Return which device the name means now."""
    path = Path(port)
    return str(path.resolve()) if path.exists() else "there is no such port"


def lines(finding: Finding) -> Iterator[str]:
    """Yield what a finding says, for people."""
    head = f"  {finding.protocol} at {finding.settings}: "
    identity = finding.identity
    if identity is None:
        yield head + finding.silence
        return
    yield head + " ".join(name for name in (identity.model, identity.variant) if name)
    for name, value in (("serial number", identity.serial), ("firmware", identity.firmware)):
        if value:
            yield f"    {name} {value}"
    for channel, (currency, value_minor) in sorted(identity.table.items()):
        yield f"    note type {channel}: {currency} {format_minor(value_minor)}"
    if not identity.table:
        yield "    it has no table of its own"
    if not identity.counters:
        yield "    it tells no counters"
    for name, count in identity.counters.items():
        yield f"    {name.replace('_', ' ')} {count}"


def differences(finding: Finding, wanted: Acceptor) -> list[str]:
    """Return what the configuration says otherwise than the device."""
    protocol = protocol_of(finding)
    if protocol != wanted.protocol:
        return [f'the configuration says protocol = "{wanted.protocol}", and a device for "{protocol}" answers']
    usual = FAMILIES[protocol].baud
    said = [f"{finding.wrong_table}; cash is refused"] if finding.wrong_table else []
    if finding.baud != (wanted.baud or usual):
        said.append(f"it answers at {finding.baud}, and the configuration says {wanted.baud or usual}: set baud")
    return said
