"""Reading profiles from TOML files; every mistake in one list."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from kiosk.scanning import dates
from kiosk.scanning.checks import RULES, Weighted
from kiosk.scanning.formats import FORMATS
from kiosk.scanning.profile import KINDS, Check, Field, Profile, ReferenceFields

# The profiles that come with the program.
BUILT_IN = Path(__file__).parents[2] / "assets" / "profiles"

# What a demo city enables: its own bills and nothing else.
DEFAULT = ("riverbend",)

# What a profile may be printed in; "typed" is a line that a resident or clerk keys in.
SYMBOLOGIES = (
    *("code39", "code93", "code128", "codabar", "itf", "ean13", "gs1_128"),
    *("qr", "gs1_qr", "pdf417", "datamatrix", "gs1_datamatrix", "aztec", "typed"),
)

_PROFILE_KEYS = {"title", "symbologies", "lengths", "field", "check", "reference", "pattern", "format", "options"}
_WEIGHTED_KEYS = {"weights", "modulus", "start", "products", "result", "printed"}


class ProfileError(Exception):
    """`errors` names file and mistake, one a line."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(self.errors))


def names(folder: Path = BUILT_IN) -> tuple[str, ...]:
    """Return the names of all profiles in `folder`, sorted."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def load(wanted: Iterable[str] | None = None, folder: Path = BUILT_IN) -> tuple[Profile, ...]:
    """Return the profiles named, or all of `folder`; ProfileError with every mistake found in any of them."""
    profiles, errors = [], []
    for name in names(folder) if wanted is None else wanted:
        try:
            profiles.append(parse(name, (folder / f"{name}.toml").read_text("utf-8")))
        except FileNotFoundError:
            errors.append(f"{name}: no such profile in {folder}")
        except ProfileError as error:
            errors.extend(error.errors)
    if errors:
        raise ProfileError(errors)
    return tuple(profiles)


def parse(name: str, text: str) -> Profile:
    """Return the profile that the TOML `text` describes; ProfileError if it does not describe one."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError([f"{name}: {error}"]) from error
    errors = [f"{name}: unknown key {key!r}" for key in sorted(content.keys() - _PROFILE_KEYS - {"currency"})]
    errors += [f"{name}: {mistake}" for mistake in _mistakes(content)]
    if errors:
        raise ProfileError(errors)
    return Profile(
        name=name,
        title=content["title"],
        symbologies=frozenset(content["symbologies"]),
        lengths=tuple(content.get("lengths", ())),
        fields=tuple(Field(**part) for part in content.get("field", ())),
        checks=tuple(_check(table) for table in content.get("check", ())),
        reference=ReferenceFields(**content.get("reference", {})),
        pattern=re.compile(content["pattern"], re.ASCII) if "pattern" in content else None,
        format=content.get("format", ""),
        options=content.get("options", {}),
        currency=content.get("currency", "USD"),
    )


def _check(table: Mapping[str, Any]) -> Check:
    over, digit = tuple(table["over"]), table.get("digit", "")
    if table["rule"] != "weighted":
        return Check(over, table["rule"], digit)
    family: dict[str, Any] = {key: table[key] for key in _WEIGHTED_KEYS & table.keys()}
    family["weights"] = tuple(family["weights"])
    family["printed"] = {int(value): text for value, text in family.get("printed", {}).items()}
    return Check(over, "weighted", digit, Weighted(**family))


def _mistakes(content: Mapping[str, Any]) -> list[str]:
    found = [f"{key} is missing" for key in ("title", "symbologies") if not content.get(key)]
    found += _symbology_mistakes(content.get("symbologies", []))
    ways = [key for key in ("pattern", "format", "lengths") if key in content]
    if len(ways) != 1:
        found.append("exactly one of lengths, pattern and format is needed")
    if content.get("format", "") not in (*FORMATS, ""):
        found.append(f"no format {content['format']!r}")
    found += [f"reference has no {key!r}" for key in _unknown(content.get("reference", {}), ReferenceFields)]
    known = {part.get("name", "") for part in content.get("field", ())}
    for part in content.get("field", ()):
        found += [f"field {part.get('name', '?')}: {mistake}" for mistake in _field_mistakes(part)]
    for check in content.get("check", ()):
        found += [f"check {check.get('rule', '?')}: {mistake}" for mistake in _check_mistakes(check, known)]
    if "pattern" in content:
        found += _pattern_mistakes(content["pattern"], known)
    if "lengths" in content:
        found += _coverage_mistakes(content)
    return found


def _symbology_mistakes(named: object) -> list[str]:
    if not isinstance(named, list):
        return ["symbologies must be a list"]
    return [f"no symbology {name!r}" for name in named if name not in SYMBOLOGIES]


def _unknown(table: Mapping[str, Any], kind: type[Any]) -> list[str]:
    return sorted(table.keys() - {field.name for field in dataclass_fields(kind)})


def _field_mistakes(part: Mapping[str, Any]) -> list[str]:
    found = [f"unknown key {key!r}" for key in _unknown(part, Field)]
    if not part.get("name"):
        found.append("name is missing")
    kind = part.get("kind", "digits")
    if kind not in KINDS:
        found.append(f"no kind {kind!r}")
    if (kind in ("cents", "decimal")) != str(part.get("name", "")).endswith("_minor"):
        found.append("a sum, and nothing else, has a name that ends in _minor")
    if part.get("check", "luhn") not in RULES:
        found.append(f"no rule {part['check']!r}")
    if part.get("form", "YYMMDD") not in dates.FORMS:
        found.append(f"no date form {part['form']!r}")
    return found


def _check_mistakes(check: Mapping[str, Any], known: set[str]) -> list[str]:
    rule = check.get("rule")
    allowed = {"rule", "over", "digit"} | (_WEIGHTED_KEYS if rule == "weighted" else set())
    found = [f"unknown key {key!r}" for key in sorted(check.keys() - allowed)]
    if rule not in (*RULES, "weighted", "norma60"):
        found.append("no such rule")
    if rule == "weighted" and not check.get("weights"):
        found.append("weights are missing")
    if rule in ("weighted", "norma60") and "digit" not in check:
        found.append("digit is missing")
    used = [*check.get("over", ()), *([check["digit"]] if "digit" in check else [])]
    return found + [f"no field {name!r}" for name in used if name not in known]


def _pattern_mistakes(pattern: str, known: set[str]) -> list[str]:
    try:
        groups = re.compile(pattern, re.ASCII).groupindex.keys()
    except re.error as error:
        return [f"pattern: {error}"]
    return [f"field {name}: no such group in the pattern" for name in sorted(known - groups)]


def _coverage_mistakes(content: Mapping[str, Any]) -> list[str]:
    """Fields must follow each other without gap or overlap up to the length: an unread digit is an unchecked one."""
    at = 0
    for part in sorted(content.get("field", ()), key=lambda part: part.get("start", 0)):
        if part.get("start", 0) != at:
            return [f"field {part.get('name', '?')}: starts at {part.get('start', 0)}, not at {at}"]
        constant = part.get("constant", "")
        if constant and len(constant) != part.get("length", 0):
            return [f"field {part.get('name', '?')}: the constant has another length"]
        at += part.get("length", 0)
    return [] if content["lengths"] == [at] else [f"fields cover {at} characters, lengths say {content['lengths']}"]
