"""Read the configuration file; every error is found at once and named by its key."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from kiosk.config.fees import load_fees
from kiosk.config.model import Config
from kiosk.config.wrong import ConfigWrong


def load(path: Path, devices: bool = False) -> Config:
    """Return the configuration in `path`; with `devices` also require each device file it names. Raises ConfigWrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigWrong([f"{path}: {error}"]) from error
    errors = absent_devices(content) if devices else []
    try:
        # What is not exactly false is production: a mistake there must not make the rules softer.
        context = {"production": content.get("production") is not False}
        config = TypeAdapter(Config).validate_python(content, context=context)
    except ValidationError as error:
        raise ConfigWrong([_in_words(cast(dict[str, Any], item)) for item in error.errors()] + errors) from error
    errors += _wrong_fees(config)
    if errors:
        raise ConfigWrong(errors)
    return config


def _wrong_fees(config: Config) -> list[str]:
    try:
        if config.card is not None and config.card.fees is not None:
            load_fees(config.card.fees)
    except ConfigWrong as wrong:
        return [f"card.fees: {error}" for error in wrong.errors]
    return []


def absent_devices(content: Mapping[str, Any]) -> list[str]:
    """Return one line for each device file that `content` (the file's tables, right or wrong) names in vain."""
    return [f"{key}: {path} is not there" for key, path in _device_files(content) if path and not Path(path).exists()]


def _device_files(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    def text(section: str, key: str) -> str:
        table = content.get(section)
        value = table.get(key) if isinstance(table, Mapping) else None
        return value if isinstance(value, str) else ""

    yield "acceptor.port", text("acceptor", "port")
    if text("card", "address").startswith("/"):
        yield "card.address", text("card", "address")
    yield "card.secret_file", text("card", "secret_file")
    if text("printer", "kind") in ("serial", "usb"):
        yield "printer.address", text("printer", "address")
    scheme, _, place = text("reader", "camera").partition(":")
    if scheme in ("v4l2", "folder"):
        yield "reader.camera", place
    yield "reader.imager", text("reader", "imager")
    yield "reader.wedge", text("reader", "wedge")


def _in_words(item: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"]) or "file"
    words = {"missing": "is missing", "unexpected_keyword_argument": "is not a known key"}
    what = words.get(item["type"], item["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}"
