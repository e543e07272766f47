"""Many rows in few statements, without an object for each: what the journal's door writes and asks by the hundred."""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

from django.db import connection, models, transaction

Rows = Sequence[Sequence[Any]]
_PARAMETERS_MOST = 10_000  # in one statement, where the database itself sets no limit
# Of other fields a value is also what the database takes.
_ADAPTED = (models.DateField, models.JSONField)


def insert(model: type[models.Model], names: Sequence[str], rows: Rows) -> list[int]:
    """Insert `rows`, whose values go into the columns `names`, and return their ids in order; all or none."""
    if not rows:
        return []
    most = (connection.features.max_query_params or _PARAMETERS_MOST) // len(names)
    row = f"({', '.join(['%s'] * len(names))})"
    ids: list[int] = []
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            values = [value for values in _adapted(model, names, part) for value in values]
            cursor.execute(
                f"INSERT INTO {_into(model, names)} VALUES {', '.join([row] * len(part))} RETURNING id", values
            )
            ids += [number for (number,) in cursor.fetchall()]
    return ids


def store(model: type[models.Model], names: Sequence[str], rows: Rows) -> None:
    """Insert `rows` as `insert` does, but faster: nobody asks for their ids. Triggers and constraints hold."""
    if not rows:
        return
    adapted = _adapted(model, names, rows)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {_into(model, names)} FROM STDIN") as copy:
                for values in adapted:
                    copy.write_row(values)
        else:
            places = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO {_into(model, names)} VALUES ({places})", adapted)


def select(query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of `query`; a collection among `values` fills an IN and may be empty."""
    listed = [isinstance(value, Collection) and not isinstance(value, str) for value in values]
    # No text equals NULL: an empty collection finds nothing.
    lists = [list(value) or [None] if many else [value] for value, many in zip(values, listed, strict=True)]
    places = [f"({', '.join(['%s'] * len(part))})" if many else "%s" for part, many in zip(lists, listed, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(query.format(*places), [value for part in lists for value in part])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _into(model: type[models.Model], names: Sequence[str]) -> str:
    quote = connection.ops.quote_name
    return f"{quote(model._meta.db_table)} ({', '.join(quote(name) for name in names)})"


def _adapted(model: type[models.Model], names: Sequence[str], rows: Rows) -> Rows:
    """Return `rows` in the form that the database takes."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    wanted = [(place, fields[name]) for place, name in enumerate(names) if isinstance(fields[name], _ADAPTED)]
    if not wanted:
        return rows
    adapted = [list(values) for values in rows]
    for place, field in wanted:
        adapt = _day_by_day(field) if isinstance(field, models.DateField) else _one_by_one(field)
        for values in adapted:
            values[place] = adapt(values[place])
    return adapted


def _one_by_one(field: Any) -> Callable[[Any], Any]:
    return lambda value: field.get_db_prep_save(value, connection)


def _day_by_day(field: Any) -> Callable[[Any], Any]:
    """Return what adapts each moment once: most rows of a batch have the same."""
    return cache(_one_by_one(field))
