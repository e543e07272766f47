"""The run script, in a copy of the checkout with a space in its path.

What must hold: the right program is started with its arguments untouched; nothing is done when nothing is missing; what
is missing is installed and nothing else; two at once make one .venv; a failure leaves no stamp. Method: the real script
under the system's shell, with recording stand-ins for apt-get, dpkg-query, sudo, id and Python on the PATH.
"""

import os
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]

APT = """#!/bin/sh
echo "apt-get $*" >>"$CALLS"
case $* in *install*) exit "${APT_STATUS:-0}" ;; esac
"""
SUDO = '#!/bin/sh\necho "sudo $1" >>"$CALLS"\nexec "$@"\n'
ID = '#!/bin/sh\necho "${UID_SHOWN:-0}"\n'
# Everything is installed but what $ABSENT names; asked for both names of a library, it knows the newer.
DPKG = """#!/bin/sh
for name; do
    case $name in -*|*'$'*) continue ;; esac
    case " $ABSENT " in *" ${name%t64} "*) continue ;; esac
    case $name in
    libzbar0 | libmtdev1) ;;
    libzbar0t64 | libmtdev1t64) echo "installed $name" ;;
    *t64) ;;
    *) echo "installed $name" ;;
    esac
done
"""
# A Python that makes a .venv by copying itself, and tells what it was asked to do.
PYTHON = """#!/bin/sh
case "$*" in
"-c "*) exit 0 ;;
"-m venv "*)
    echo "venv" >>"$CALLS"
    if [ -n "${GATE:-}" ]; then read -r _ <"$GATE"; fi
    mkdir -p "$4/bin" && cp "$0" "$4/bin/python"
    ;;
"-m pip "*) echo "pip" >>"$CALLS"; exit "${PIP_STATUS:-0}" ;;
*) echo "in $PWD with $PYTHONPATH:"; for word; do echo "<$word>"; done ;;
esac
"""


class Checkout:
    """A copy of what the script needs, and the record of what it called."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a check out"
        self.root.mkdir()
        for name in ("run", "requirements.lock"):
            (self.root / name).write_bytes((ROOT / name).read_bytes())
        (self.root / "run").chmod(0o755)
        self.elsewhere = folder / "else where"
        self.elsewhere.mkdir()
        self.calls_file = folder / "calls"
        tools = folder / "tools"
        tools.mkdir()
        for name, text in (("apt-get", APT), ("sudo", SUDO), ("id", ID), ("dpkg-query", DPKG), ("stub-python", PYTHON)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        self.tools = tools
        self.environment = {
            "PATH": f"{tools}:/usr/bin:/bin",
            "PYTHON": str(tools / "stub-python"),
            "CALLS": str(self.calls_file),
        }

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.root / "run", *arguments],
            cwd=self.elsewhere,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def calls(self) -> list[str]:
        """Return what was called since the last time."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    assert checkout.run("hardware").returncode == 0
    assert checkout.calls() == ["venv", "pip"]
    return checkout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_is_shown_and_nothing_is_installed(checkout: Checkout, arguments: list[str]) -> None:
    done = checkout.run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "./run COMMAND" in done.stdout
    assert checkout.calls() == []


def test_an_unknown_command_is_a_mistake(checkout: Checkout) -> None:
    done = checkout.run("brew")
    assert done.returncode == 1
    assert "unknown command: brew" in done.stderr
    assert checkout.calls() == []


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("demo", ["-m", "kiosk", "demo"]),
        ("kiosk", ["-m", "kiosk"]),
        ("server", ["-m", "billing"]),
        ("dock", ["-m", "hardware.sim.dock"]),
        ("hardware", ["-m", "hardware"]),
        ("measure", ["-m", "benchmarks"]),
        ("screens", ["-m", "kiosk.ui.contact_sheet"]),
    ],
)
def test_each_command_starts_its_program_where_the_caller_stands(
    ready: Checkout, command: str, module: list[str]
) -> None:
    done = ready.run(command, "two words", "", "*", "$HOME")
    words = "".join(f"<{word}>\n" for word in [*module, "two words", "", "*", "$HOME"])
    assert done.stdout == f"in {ready.elsewhere} with {ready.root}:\n{words}"
    assert (done.stderr, ready.calls()) == ("", [])


def test_test_with_arguments_is_pytest_alone_in_the_checkout(ready: Checkout) -> None:
    done = ready.run("test", "-k", "a or b")
    assert done.stdout == f"in {ready.root} with {ready.root}:\n<-m>\n<pytest>\n<-k>\n<a or b>\n"


def test_only_what_is_missing_is_installed_and_it_is_said(ready: Checkout) -> None:
    done = ready.run("kiosk", ABSENT="espeak-ng libzbar0")
    update, install = ready.calls()
    assert update.endswith("update")
    assert install.endswith("--no-install-recommends install libzbar0 espeak-ng")
    assert "installing Debian packages: libzbar0 espeak-ng" in done.stderr
    assert "<kiosk>" in done.stdout


def test_the_server_needs_no_window_and_no_tests(ready: Checkout) -> None:
    assert ready.run("server", ABSENT="libgl1 xvfb postgresql").returncode == 0
    assert ready.calls() == []


def test_sudo_is_used_by_all_but_root_and_said(ready: Checkout) -> None:
    done = ready.run("kiosk", ABSENT="espeak-ng", UID_SHOWN="1000")
    assert "with sudo: espeak-ng" in done.stderr
    assert [line for line in ready.calls() if line.startswith("sudo")] == ["sudo apt-get", "sudo env"]


def test_without_sudo_it_says_what_to_install(ready: Checkout) -> None:
    (ready.tools / "sudo").unlink()
    tools = ready.root.parent / "few tools"  # a PATH without the machine's own sudo
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "cat", "sha256sum"):
        (tools / name).symlink_to(next(p for p in (Path("/usr/bin"), Path("/bin")) if (p / name).exists()) / name)
    done = ready.run("kiosk", ABSENT="espeak-ng", UID_SHOWN="1000", PATH=f"{ready.tools}:{tools}")
    assert done.returncode == 1
    assert "please install as root: apt-get install espeak-ng" in done.stderr


def test_a_failing_installation_stops_with_its_name(ready: Checkout) -> None:
    done = ready.run("kiosk", ABSENT="espeak-ng", APT_STATUS="100")
    assert done.returncode == 1
    assert "apt-get could not install: espeak-ng" in done.stderr
    assert done.stdout == ""


def test_a_changed_lock_is_installed_once(ready: Checkout) -> None:
    with (ready.root / "requirements.lock").open("a") as lock:
        lock.write("# another\n")
    assert ready.run("hardware").returncode == 0
    assert ready.calls() == ["pip"]
    assert ready.run("hardware").returncode == 0
    assert ready.calls() == []


def test_a_moved_checkout_is_set_up_anew(ready: Checkout) -> None:
    ready.root = ready.root.rename(ready.root.with_name("moved"))
    assert ready.run("hardware").returncode == 0
    assert ready.calls()[-1] == "pip"


def test_a_failing_pip_leaves_no_stamp_and_the_next_run_repairs(checkout: Checkout) -> None:
    done = checkout.run("hardware", PIP_STATUS="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert not (checkout.root / ".venv/set-up").exists()
    checkout.calls()
    assert checkout.run("hardware").returncode == 0
    assert checkout.calls() == ["pip"]


def test_two_at_once_make_one_venv(checkout: Checkout, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    first = checkout.start("hardware", "first", GATE=str(gate))
    with gate.open("w") as opened:  # opens when the first one stands inside, holding the lock
        second = checkout.start("hardware", "second", GATE=str(gate))
        opened.write("go\n")
    outs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert ["<first>" in outs[0], "<second>" in outs[1]] == [True, True]
    assert checkout.calls() == ["venv", "pip"]


def lock_lines() -> list[str]:
    return (ROOT / "requirements.lock").read_text().splitlines()


def test_the_lock_names_no_host_and_each_package_has_a_hash() -> None:
    text = "\n".join(line for line in lock_lines() if not line.lstrip().startswith("#"))
    assert "://" not in text
    assert "index-url" not in text
    for block in text.replace("\\\n", " ").splitlines():
        assert block.split()[0].count("==") == 1, block
        assert "--hash=sha256:" in block, block


def test_the_lock_holds_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(line.split(" ")[0].split("==") for line in lock_lines() if "==" in line and line[0] not in " #")
    for text in project["dependencies"] + project["optional-dependencies"]["test"]:
        wanted = Requirement(text)
        name = wanted.name.lower().replace("_", "-")
        assert name in pins, f"{name} is not in requirements.lock"
        assert wanted.specifier.contains(pins[name]), f"{name} {pins[name]} is not {wanted.specifier}"
