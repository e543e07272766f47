"""The units, as systemd itself reads them.

What must hold: systemd understands every line, also with each example drop-in; accounts and directories that units use
are made; and the settings that money depends on stand. Method: the units are copied with their programs replaced by
ones of this machine (no kiosk is installed under /opt here) and given to systemd's own tools.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.config.load import load
from kiosk.engine.lines import LineServer

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "systemd"
UNITS = sorted(path.name for path in (*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.target")))
SERVICES = [name for name in UNITS if name.endswith(".service")]
EXAMPLES = sorted(path.name for path in (SYSTEMD / "examples").glob("*.conf"))


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=60)


def settings(text: str) -> dict[str, list[str]]:
    """Return every value of every key, in order; sections do not matter as no key is used in two."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            values.setdefault(key, []).append(value)
    return values


def service(name: str) -> dict[str, list[str]]:
    return settings((SYSTEMD / f"lobby-kiosk-{name}.service").read_text())


def here(text: str) -> str:
    """Point a unit's programs at this machine."""
    text = text.replace("/opt/lobby-kiosk/.venv/bin/python", f'"{sys.executable}"')
    text = text.replace("/usr/bin/cage", shutil.which("env") or "/usr/bin/env")
    return text.replace("WorkingDirectory=/opt/lobby-kiosk", f"WorkingDirectory={ROOT}")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    for name in UNITS:
        (tmp_path / name).write_text(here((SYSTEMD / name).read_text()))
    return tmp_path


def verify(folder: Path) -> str:
    """Return systemd's complaints about the units in `folder`; its exit code leaves unknown keys out."""
    paths = [folder / name for name in UNITS]
    answer = run("systemd-analyze", "verify", "--man=no", *paths)
    ours = [line for line in answer.stderr.splitlines() if "lobby-kiosk" in line]
    assert answer.returncode == 0 or ours, answer.stderr
    return "\n".join(ours)


def test_systemd_understands_every_unit(units: Path) -> None:
    assert verify(units) == ""


@pytest.mark.parametrize("example", EXAMPLES)
def test_systemd_understands_every_example(units: Path, example: str) -> None:
    text = (SYSTEMD / "examples" / example).read_text()
    place = re.search(r"/etc/systemd/system/(\S+\.service\.d)/(\S+\.conf)", text)
    assert place, "an example says where it is put"
    (units / place[1]).mkdir()
    (units / place[1] / place[2]).write_text(here(text))
    assert verify(units) == ""


@pytest.mark.parametrize(
    "mistake", ["WatchdogSecs=30", "ExecStartPre=/nowhere/at/all", "DeviceAllow=char-video4linux x"]
)
def test_a_mistake_would_be_seen(units: Path, mistake: str) -> None:
    engine = units / "lobby-kiosk-engine.service"
    engine.write_text(engine.read_text().replace("[Service]\n", f"[Service]\n{mistake}\n"))
    assert "lobby-kiosk-engine.service" in verify(units)


@pytest.mark.parametrize(("name", "most"), [("engine", 30), ("reader", 20), ("billing", 30)])
def test_exposure_stays_low_by_the_measure_of_systemd(units: Path, name: str, most: int) -> None:
    path = units / f"lobby-kiosk-{name}.service"
    answer = run("systemd-analyze", "security", "--no-pager", "--offline=yes", f"--threshold={most}", path)
    assert answer.returncode == 0, answer.stdout


def test_the_engine_is_started_and_stopped_as_money_needs_it() -> None:
    engine = service("engine")
    expected = {
        "Type": "notify",
        "WatchdogSec": "30",
        "TimeoutStopSec": "240",
        "KillSignal": "SIGTERM",
        "KillMode": "mixed",
        "Restart": "always",
        "StartLimitIntervalSec": "0",
        "StateDirectoryMode": "0700",
        "RequiresMountsFor": "/var/lib/lobby-kiosk",
    }
    assert {key: engine[key][-1] for key in expected} == expected


def test_the_reader_has_no_network_and_no_device_but_the_camera() -> None:
    reader = service("reader")
    assert reader["PrivateNetwork"] == ["yes"]
    assert reader["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert reader["DevicePolicy"] == ["closed"]
    assert reader["DeviceAllow"] == ["char-video4linux rw"]
    assert reader["SupplementaryGroups"] == ["video"]


def test_the_reader_is_told_its_devices_and_cannot_read_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = service("reader")
    assert reader["EnvironmentFile"] == ["/etc/lobby-kiosk/reader.env"]
    assert reader["InaccessiblePaths"] == ["-/etc/lobby-kiosk"]
    assert re.search(r"^m lobby-reader", (SYSTEMD / "sysusers.d/lobby-kiosk.conf").read_text(), re.MULTILINE) is None
    told: list[object] = []
    monkeypatch.setattr("kiosk.scanning.reader.run", lambda *arguments: told.extend(arguments[:2]))
    words = reader["ExecStart"][0].split(" -m kiosk ")[1].split()
    values = settings((SYSTEMD / "reader.env").read_text())
    assert main([re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]][0], word) for word in words]) == 0
    config, socket = told
    sample = load(ROOT / "docs" / "kiosk.toml")
    assert socket == sample.reader_socket
    for name in ("camera", "imager", "wedge", "profiles"):
        assert getattr(config, name) == getattr(sample.reader, name)


def test_no_two_programs_share_an_account() -> None:
    users = [settings((SYSTEMD / name).read_text())["User"][0] for name in SERVICES]
    assert len(set(users)) == len(users) == 4


def test_the_target_starts_each_part_of_the_kiosk() -> None:
    wanted = set(settings((SYSTEMD / "lobby-kiosk.target").read_text())["Wants"][0].split())
    assert wanted == set(SERVICES) - {"lobby-kiosk-billing.service"}
    for name in wanted:
        assert settings((SYSTEMD / name).read_text())["PartOf"] == ["lobby-kiosk.target"]


@pytest.fixture
def machine() -> Iterator[Path]:
    """A folder as the root of a machine with our accounts; open to all, as pytest's own folders are not."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        for kind in ("sysusers.d", "tmpfiles.d"):
            (root / "etc" / kind).mkdir(parents=True)
            shutil.copy(SYSTEMD / kind / "lobby-kiosk.conf", root / "etc" / kind)
        made = run("systemd-sysusers", f"--root={root}", "lobby-kiosk.conf")
        assert made.returncode == 0, made.stderr
        yield root


def accounts(machine: Path) -> dict[str, tuple[int, int]]:
    """Return user and group number by name."""
    lines = [line.split(":") for line in (machine / "etc/passwd").read_text().splitlines()]
    return {name: (int(user), int(group)) for name, _, user, group, *_ in lines}


def test_the_accounts_of_the_units_are_made(machine: Path) -> None:
    assert {settings((SYSTEMD / name).read_text())["User"][0] for name in SERVICES} <= accounts(machine).keys()


# Becomes an account (path, user, group, further groups), opens a file or connects to a socket, and says how it went.
TRY = """
import os, socket, sys
path, user, group, *groups = sys.argv[1:]
os.setgroups([int(number) for number in groups])
os.setgid(int(group))
os.setuid(int(user))
try:
    if path.endswith(".sock"):
        socket.socket(socket.AF_UNIX).connect(path)
    else:
        open(path).close()
    print("reached")
except PermissionError:
    print("refused")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give directories away and become another")
def test_each_process_reaches_its_own_socket_and_nothing_else(machine: Path) -> None:
    (machine / "etc/lobby-kiosk").mkdir()
    for name in ("kiosk.toml", "reader.env"):
        (machine / "etc/lobby-kiosk" / name).touch()
    made = run("systemd-tmpfiles", f"--root={machine}", "--create", "lobby-kiosk.conf")
    assert made.returncode == 0, made.stderr
    folder = machine / "run/lobby-kiosk"
    sockets = {name: folder / name / f"{name}.sock" for name in ("screen", "reader")}
    servers = [LineServer(path, lambda client, message: None) for path in sockets.values()]
    servers.append(LineServer(folder / "control.sock", lambda client, message: None, mode=0o600))
    config = machine / "etc/lobby-kiosk/kiosk.toml"
    things = {**sockets, "control": folder / "control.sock", "config": config, "env": config.with_name("reader.env")}
    reached = {name: reach(machine, f"lobby-{name}", things) for name in ("screen", "reader", "billing")}
    for server in servers:
        server.close()
    assert reached == {"screen": {"screen", "config"}, "reader": {"reader"}, "billing": set()}


def reach(machine: Path, account: str, things: dict[str, Path]) -> set[str]:
    """Return what `account` can open or connect to."""
    user, group = accounts(machine)[account]
    members = [line.split(":") for line in (machine / "etc/group").read_text().splitlines()]
    groups = [number for _, _, number, names in members if account in names.split(",")]
    said = {name: run(sys.executable, "-I", "-c", TRY, path, user, group, *groups) for name, path in things.items()}
    assert {answer.stdout for answer in said.values()} <= {"reached\n", "refused\n"}, said
    return {name for name, answer in said.items() if answer.stdout == "reached\n"}


def test_ports_are_named_by_where_they_are_plugged_in() -> None:
    rules = [
        line
        for line in (SYSTEMD / "udev/70-lobby-kiosk.rules").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    token = re.compile(r'[A-Z]+(\{[\w/]+\})?(==|!=|=|\+=|:=)"[^"]*"')
    for rule in rules:
        assert all(token.fullmatch(part) for part in rule.split(", ")), rule
        if "SYMLINK+=" in rule:
            assert 'ENV{ID_PATH}=="' in rule
            assert "ID_SERIAL" not in rule
    links = {match[1] for rule in rules if (match := re.search(r'SYMLINK\+="lobby/(\w+)"', rule))}
    assert {"acceptor", "printer", "imager", "camera"} <= links
    sample = (ROOT / "docs/kiosk.toml").read_text()
    assert set(re.findall(r"/dev/lobby/(\w+)", sample)) <= links
