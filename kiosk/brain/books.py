"""Books as plain JSON values and back, so that a start need not fold the whole journal.

What comes back is equal to what went in, or nothing comes back: a wrong sum would go on for ever.
"""

from dataclasses import asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from kiosk.brain.state import Books

# Which `apply` and which Books made it. It rises with every change of either that leads to other books, so that no
# books of older code are ever gone on with (tests/unit/test_brain_books.py watches both).
FOLD = 18


class NotBooks(ValueError):
    """These values were not made from Books of this form."""


def to_plain(books: Books) -> dict[str, Any]:
    """Return strings, whole numbers, booleans, None, lists and objects only."""
    return _plain(asdict(books))  # type: ignore[no-any-return]


def from_plain(content: Any) -> Books:
    """Return the books that `to_plain` described. Raises NotBooks for anything missing, unknown or of another type."""
    return _build(Books, content)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _build(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        return None if value is None else _build(next(kind for kind in get_args(hint) if kind is not NoneType), value)
    if get_origin(hint) is tuple:
        if type(value) is not list:
            raise NotBooks(f"{value!r} is no list")
        return tuple(_build(get_args(hint)[0], item) for item in value)
    if is_dataclass(hint) and isinstance(hint, type):
        return _instance(hint, value)
    if type(value) is not hint:
        raise NotBooks(f"{value!r} where {hint.__name__} is needed")
    return value


def _instance(kind: type[Any], value: Any) -> Any:
    names = {field.name for field in fields(kind)}
    if type(value) is not dict or set(value) != names:
        raise NotBooks(f"these are not the fields of {kind.__name__}")
    hints = get_type_hints(kind)
    return kind(**{name: _build(hints[name], value[name]) for name in names})
