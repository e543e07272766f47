"""Books survive the way into JSON and back, and going on from kept books is the same as folding everything.

Method: hypothesis plays random histories at the kiosk of test_brain_chance.py and makes books of any values.
"""

import ast
import hashlib
import inspect
import json
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.brain import apply as rules
from kiosk.brain import apply_refunds, apply_tenders, attempts, events
from kiosk.brain.apply import fold
from kiosk.brain.books import FOLD, NotBooks, from_plain, to_plain
from kiosk.brain.state import Books
from kiosk.domain import facts
from tests.unit.test_brain_chance import STEPS, Street, play

SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    int: st.integers(-(2**53) + 1, 2**53 - 1),
    bool: st.booleans(),
    type(None): st.none(),
}

# The form of everything that makes books, by FOLD; `form` below computes it.
FORMS = {18: "b1c785f61f54744e"}


def anything(hint: Any) -> st.SearchStrategy[Any]:
    if hint in SCALARS:
        return SCALARS[hint]
    if get_origin(hint) is tuple:
        return st.lists(anything(get_args(hint)[0]), max_size=3).map(tuple)
    if get_args(hint):
        return st.one_of([anything(kind) for kind in get_args(hint)])
    return st.builds(hint, **{name: anything(kind) for name, kind in get_type_hints(hint).items()})


def kept(books: Books) -> Books:
    """Return the books after a stay in a file."""
    return from_plain(json.loads(rfc8785.dumps(to_plain(books))))


@given(anything(Books))
def test_any_books_come_back_equal(books: Books) -> None:
    assert kept(books) == books


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=40), st.data())
def test_going_on_from_kept_books_is_the_fold_of_everything(
    steps: list[tuple[str, object]], data: st.DataObject
) -> None:
    street = Street()
    street.boot()
    for name, value in steps:
        play(street, name, value)
    at = data.draw(st.integers(0, len(street.facts)))
    assert fold(street.facts[at:], kept(fold(street.facts[:at]))) == fold(street.facts) == street.state.books


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_kept_at_every_step_nothing_changes(steps: list[tuple[str, object]]) -> None:
    street = Street()
    street.boot()
    for name, value in steps:
        play(street, name, value)
    books = Books()
    for fact in street.facts:
        books = kept(rules.apply(kept(books), fact))
    assert books == street.state.books


def test_what_went_to_the_archive_is_on_record_and_moves_nothing() -> None:
    street = Street()
    street.boot().to_cash()
    before = street.state.books
    place = {"from_seq": 1, "to_seq": 10, "last_hash": "ab" * 32, "archive_sha256": "cd" * 32}
    assert street.tell(events.RecordsArchived, **place) == []
    assert facts.body(street.facts[-1]) == place
    assert street.state.books == before


PAID = {"account": "a", "invoice": "", "amount_minor": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"cash_minor": "1"},
        {"cash_minor": True},
        {"cash_minor": 1.0},
        {"cash_minor": None},
        {"swap_announced": 1},
        {"session_id": None},
        {"period_notes": {}},
        {"period_notes": [[2000, 1]]},
        {"period_notes": [{"value_minor": 2000}]},
        {"note": "n"},
        {"note": {}},
        {"unprinted": [None]},
        {"payment": PAID},
        {"tomorrow": 1},
    ],
)
def test_what_is_not_quite_books_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(NotBooks):
        from_plain(to_plain(Books()) | change)


@pytest.mark.parametrize("content", [None, [], {}, "books"])
def test_what_is_not_books_at_all_is_refused(content: Any) -> None:
    with pytest.raises(NotBooks):
        from_plain(content)


@pytest.mark.parametrize("name", sorted(to_plain(Books())))
def test_a_missing_field_is_refused(name: str) -> None:
    content = to_plain(Books())
    del content[name]
    with pytest.raises(NotBooks):
        from_plain(content)


def form() -> str:
    """Return a digest of the code that makes books: all parts of apply, and every class that is part of Books."""
    modules = (rules, apply_tenders, apply_refunds, attempts)
    kinds = sorted(classes_of(Books), key=lambda kind: kind.__name__)
    sources = [inspect.getsource(part) for part in (*modules, *kinds)]
    return hashlib.sha256(repr([shape(_bare(ast.parse(source))) for source in sources]).encode()).hexdigest()[:16]


def shape(node: Any) -> Any:
    """Return a syntax tree as tuples, without what is empty: the same under every version of Python."""
    if isinstance(node, list):
        return [shape(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    return type(node).__name__, [
        (name, shape(value)) for name, value in ast.iter_fields(node) if value not in (None, [])
    ]


def classes_of(hint: Any) -> set[type[Any]]:
    """Return the dataclasses that values of `hint` are made of."""
    if not is_dataclass(hint):
        return {kind for argument in get_args(hint) for kind in classes_of(argument)}
    return {hint}.union(*(classes_of(kind) for kind in get_type_hints(hint).values()))  # type: ignore[arg-type]


def _bare(tree: ast.Module) -> ast.Module:
    """Take the docstrings out: words about code change no books."""
    for part in ast.walk(tree):
        if isinstance(part, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(part) is not None:
            part.body = part.body[1:] or [ast.Pass()]
    return tree


def test_a_change_of_the_fold_does_not_go_on_with_books_of_older_code() -> None:
    assert form() == FORMS.get(FOLD), (
        f"The code that makes books has changed. If any journal could now lead to other books, or Books has another "
        f"form, raise FOLD in kiosk/brain/books.py and add FORMS[{FOLD + 1}] = {form()!r} here: kiosks then read their "
        f"whole journal once, archive included. If it could not, let FORMS[{FOLD}] be {form()!r}."
    )


def test_the_form_heeds_code_and_not_words() -> None:
    one, two, other = (
        ast.parse(f'"{words}"\ndef f(a):\n    "{words}"\n    # {words}\n    return a + {number}\n')
        for words, number in (("says", 1), ("says more", 1), ("says", 2))
    )
    shapes = [shape(_bare(node)) for node in (one, two, other)]
    assert shapes[0] == shapes[1] != shapes[2]
