"""Rows written by the hundred: in order, all or none, with every constraint in force. PostgreSQL: test_postgresql."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError

from billing import rows
from billing.journal.models import BookedNote
from tests.billing.kiosk import new_kiosk

COLUMNS = ("kiosk_id", "note_id")
MANY = 1200  # more than one statement's worth


def test_ids_come_in_the_order_of_the_rows() -> None:
    kiosk = new_kiosk().pk
    ids = rows.insert(BookedNote, COLUMNS, [(kiosk, f"n{number}") for number in range(MANY)])
    assert dict(BookedNote.objects.filter(kiosk=kiosk).values_list("pk", "note_id")) == {
        key: f"n{number}" for number, key in enumerate(ids)
    }


@pytest.mark.parametrize("write", [rows.insert, rows.store])
def test_one_bad_row_keeps_all_out(write: Callable[..., Any]) -> None:
    kiosk = new_kiosk().pk
    with pytest.raises(IntegrityError):
        write(BookedNote, COLUMNS, [(kiosk, f"n{number % (MANY - 1)}") for number in range(MANY)])
    assert not BookedNote.objects.filter(kiosk=kiosk).exists()
    write(BookedNote, COLUMNS, [])
