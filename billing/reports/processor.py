"""Taking in the processor's lists: each file once, and of overlapping files each transaction once."""

import hashlib
from collections import Counter
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from billing.reports.models import ProcessorLine, ProcessorList
from billing.reports.processor_csv import BadList, Line, parse

SIZE_MAX = 8 * 1024 * 1024


def take(name: str, content: bytes, by: Any, now: datetime) -> ProcessorList:
    """Keep the lines of an uploaded file. BadList if it cannot be read, or was taken before."""
    if len(content) > SIZE_MAX:
        raise BadList(["the file is too large: split it by day"])
    digest = hashlib.sha256(content).hexdigest()
    lines = parse(content, settings.CURRENCY)
    try:
        with transaction.atomic():
            return _keep(name, digest, lines, by, now)
    except IntegrityError as error:
        if not ProcessorList.objects.filter(digest=digest).exists():
            raise
        raise BadList(["this very file was uploaded before"]) from error


def _keep(name: str, digest: str, lines: list[Line], by: Any, now: datetime) -> ProcessorList:
    fresh = _fresh(lines)
    days = [line.processed_on for line in lines]
    kept: ProcessorList = ProcessorList.objects.create(
        name=name.replace("\x00", "")[:120] or "list",
        digest=digest,
        uploaded_by=by,
        uploaded_at=now,
        first_on=min(days),
        last_on=max(days),
        lines_kept=len(fresh),
        lines_known=len(lines) - len(fresh),
    )
    ProcessorLine.objects.bulk_create((ProcessorLine(list=kept, **vars(line)) for line in fresh), batch_size=1000)
    return kept


def _fresh(lines: list[Line]) -> list[Line]:
    """Return the lines that no earlier file has. Two equal lines of one file are two transactions."""
    days = {line.processed_on for line in lines}
    held = ProcessorLine.objects.filter(processed_on__gte=min(days), processed_on__lte=max(days))
    columns = ("reference", "amount_minor", "currency", "processed_on", "processor_id")
    known = Counter(Line(*values) for values in held.values_list(*columns))
    fresh = []
    for line in lines:
        if known[line] > 0:
            known[line] -= 1
        else:
            fresh.append(line)
    return fresh
