"""Read the configuration file; every error is found at once and named by its key."""

import tomllib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from kiosk.config.model import Config


class ConfigWrong(Exception):
    """`errors` lists everything that is wrong, one line each."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def load(path: Path) -> Config:
    """Return the configuration in `path`. Raises ConfigWrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigWrong([f"{path}: {error}"]) from error
    try:
        return TypeAdapter(Config).validate_python(content)
    except ValidationError as error:
        raise ConfigWrong([_in_words(item) for item in error.errors()]) from error


def _in_words(item: object) -> str:
    assert isinstance(item, dict)
    where = ".".join(str(part) for part in item["loc"]) or "file"
    what = {"missing": "is missing", "unexpected_keyword_argument": "is not a known key"}.get(item["type"], item["msg"])
    return f"{where}: {what}"
