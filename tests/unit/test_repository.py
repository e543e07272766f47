"""Tidiness of the sources: what no linter of ours looks at. One test a rule; each names the files that break it.

Method: the files that git knows are read as text or as syntax trees.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from kiosk.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
BINARY = {".png", ".jpg", ".wav", ".ogg", ".otf", ".ttf", ".mo", ".pdf", ".bin", ".sqlite3", ".ico"}
KIVY_ROOMS = ("kiosk/ui/", "hardware/sim/dock/")
DJANGO_FORMS = ("apps.py", "manage.py")  # what they are is said by Django
LINES_MAX, COLUMNS_MAX = 500, 120

# Split, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:wo" + r"rk/|ro" + r"ot/|Us" + r"ers/|home/(?!pi\b|\$)\w+)")
INDEX_HOSTS = re.compile(
    r"py" + r"pi\.|pythonho" + r"sted|deb\.deb" + r"ian|index-u" + r"rl[ =]+\S*://|--find-li" + r"nks"
)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
VAGUE = re.compile(r"(?:Mana" + r"ger|Hel" + r"pers?|Ut" + r"ils?)$")


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files that git knows and that are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


@cache
def texts() -> tuple[tuple[Path, str], ...]:
    return tuple(
        (path, path.read_text(encoding="utf-8"))
        for path in tracked()
        if path.suffix not in BINARY and path.name not in ("LICENSE", "requirements.lock")
    )


def modules() -> Iterator[tuple[Path, str]]:
    for path, text in texts():
        if path.suffix == ".py" and "migrations" not in path.parts:
            yield path, text


@cache
def trees() -> tuple[tuple[Path, ast.Module], ...]:
    return tuple((path, ast.parse(text, str(path))) for path, text in modules())


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_the_sources_are_found() -> None:
    names = {str(path.relative_to(ROOT)) for path, _ in modules()}
    assert {"kiosk/domain/facts.py", "hardware/acceptors/contract.py", "tests/unit/test_repository.py"} <= names


def test_nothing_that_git_ignores_is_kept() -> None:
    """A working file that was added by mistake, a server's secret among them, is in no commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert listed.stdout.split() == []


def test_no_two_test_modules_share_a_name() -> None:
    """Folders of tests without an __init__.py are one namespace to pytest: the second of a name is not collected."""
    tests = [path for path, _ in modules() if path.name.startswith("test_")]
    names = [path.name for path in tests if not (path.parent / "__init__.py").exists()]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_modules_stay_small() -> None:
    sizes = {path: text.count("\n") for path, text in modules()}
    assert [f"{path.relative_to(ROOT)}: {size}" for path, size in sizes.items() if size > LINES_MAX] == []


def test_lines_of_scripts_and_units_stay_short() -> None:
    """Ruff measures Python; a unit's Exec lines cannot be broken."""
    code = (item for item in texts() if item[0].name == "run" or item[0].is_relative_to(ROOT / "systemd"))
    assert [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in code
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > COLUMNS_MAX and not line.startswith(("ExecStart=", "SUBSYSTEM=="))
    ] == []


def test_no_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATHS) == []


def test_no_package_host() -> None:
    assert lines_with(INDEX_HOSTS) == []


def test_nothing_is_left_unfinished() -> None:
    assert lines_with(UNFINISHED) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATHS, "cd /ho" + "me/jane/kiosk"),
        (MACHINE_PATHS, '"/wo' + 'rk/main"'),
        (INDEX_HOSTS, "https://py" + "pi.org/simple"),
        (UNFINISHED, "# TO" + "DO: later"),
        (VAGUE, "DeviceMana" + "ger"),
    ],
)
def test_the_patterns_find_what_they_look_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_every_module_says_what_it_is() -> None:
    assert [
        str(path.relative_to(ROOT))
        for path, tree in trees()
        if tree.body and path.name not in DJANGO_FORMS and not (ast.get_docstring(tree) or "").strip()
    ] == []


def test_names_say_something() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
    ]
    files = [str(path.relative_to(ROOT)) for path, _ in modules() if VAGUE.search(path.stem.title().replace("_", ""))]
    assert named + files == []


def test_kivy_is_imported_in_two_rooms_alone() -> None:
    users = {str(path.relative_to(ROOT)) for path, tree in trees() if "kivy" in set(_imported(tree))}
    assert {name for name in users if not name.startswith((*KIVY_ROOMS, "tests/", "benchmarks/"))} == set()
    assert any(name.startswith("hardware/sim/dock/") for name in users), "the search sees no import at all"


def documents() -> Iterator[tuple[Path, str]]:
    return ((path, text) for path, text in texts() if path.suffix == ".md")


def test_links_in_the_documents_lead_somewhere() -> None:
    """Pictures are made from a run of the demo and come and go with it."""
    links = [
        (path, link)
        for path, text in documents()
        for link in re.findall(r"\]\(([^)#:]+)\)", text)
        if "pictures/" not in link
    ]
    assert len(links) > 10
    assert [f"{path.name}: {link}" for path, link in links if not (path.parent / link).exists()] == []


def test_documents_name_only_commands_that_exist() -> None:
    door = set(re.findall(r"^(\w+)\)$", (ROOT / "run").read_text(), re.MULTILINE))
    rooms = {"kiosk": set(COMMANDS), "hardware": {"simulate", "decode"}, "server": _words_of_the_server()}
    named = {words for _, text in documents() for words in re.findall(r"\./run +(\w+)(?: +([a-z][\w-]*))?", text)}
    assert {"demo", "test", "kiosk", "server"} <= {first for first, _ in named}
    assert {first for first, _ in named} <= door
    assert {(first, second) for first, second in named if second and second not in rooms.get(first, {second})} == set()


def _words_of_the_server() -> set[str]:
    """Read from the syntax tree: to import the server is to set Django up."""
    tree = ast.parse((ROOT / "billing" / "__main__.py").read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == "commands.add_parser"}


def test_money_is_never_a_float() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, (ast.AnnAssign, ast.arg))
        and _name(node).endswith("_minor")
        and node.annotation is not None
        and "float" in ast.unparse(node.annotation)
    ] == []


def test_tests_do_not_sleep() -> None:
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees()
        if path.is_relative_to(ROOT / "tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep")
    ] == []


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the top package of every import, wherever in the module it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _name(node: ast.AnnAssign | ast.arg) -> str:
    return node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
