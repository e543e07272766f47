"""What is said of a page, in the order of reading, and what of it is new."""

from collections.abc import Iterator

from kiosk.pages.page import Page


def utterances(page: Page) -> Iterator[str]:
    """Yield every sentence of a page: what it is, what stands there, what can be chosen."""
    yield page.title_spoken or page.title
    if page.notice:
        yield page.notice.spoken or page.notice.text
    for line in page.lines:
        yield line.spoken or line.text
    if page.entry:
        yield page.entry.spoken
    if page.big:
        yield page.big_spoken
    for chip in page.chips:
        yield chip.spoken or chip.label
    if page.money:
        yield page.money.spoken
    for choice in page.choices:
        if choice.enabled and choice.kind != "key":
            yield choice.spoken or choice.label


def news(before: Page | None, page: Page) -> list[str]:
    """Return what to say now: all of a new page; of a known one only what changed, as the note that went in.

    What is typed is spoken key by key: the last digit alone would hide a slip, so the whole entry is said.
    """
    said = list(utterances(page))
    if before is None or (before.name, before.language) != (page.name, page.language):
        return said
    known = set(utterances(before))
    return [text for text in said if text not in known]
