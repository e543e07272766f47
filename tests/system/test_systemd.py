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
from pathlib import Path

import pytest

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


def test_no_two_programs_share_an_account() -> None:
    users = [settings((SYSTEMD / name).read_text())["User"][0] for name in SERVICES]
    assert len(set(users)) == len(users) == 4


def test_the_target_starts_each_part_of_the_kiosk() -> None:
    wanted = set(settings((SYSTEMD / "lobby-kiosk.target").read_text())["Wants"][0].split())
    assert wanted == set(SERVICES) - {"lobby-kiosk-billing.service"}
    for name in wanted:
        assert settings((SYSTEMD / name).read_text())["PartOf"] == ["lobby-kiosk.target"]


def test_accounts_and_directories_are_made_as_the_units_use_them(tmp_path: Path) -> None:
    for kind in ("sysusers.d", "tmpfiles.d"):
        (tmp_path / "etc" / kind).mkdir(parents=True)
        shutil.copy(SYSTEMD / kind / "lobby-kiosk.conf", tmp_path / "etc" / kind)
    made = run("systemd-sysusers", f"--root={tmp_path}", "lobby-kiosk.conf")
    assert made.returncode == 0, made.stderr
    passwd = {line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert {settings((SYSTEMD / name).read_text())["User"][0] for name in SERVICES} <= passwd
    if os.geteuid() != 0:
        return  # only root may give directories away
    made = run("systemd-tmpfiles", f"--root={tmp_path}", "--create", "lobby-kiosk.conf")
    assert made.returncode == 0, made.stderr
    groups = dict(line.split(":")[0:3:2] for line in (tmp_path / "etc/group").read_text().splitlines())
    about = (tmp_path / "run/lobby-kiosk").stat()
    assert (about.st_mode & 0o7777, about.st_gid) == (0o2750, int(groups["lobby-link"]))


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
