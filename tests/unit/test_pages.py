"""Pages from literal snapshots: complete, spoken, in the same places, in plain words."""

import re
from dataclasses import fields, is_dataclass, replace
from itertools import product
from typing import Any

import pytest

from hardware.acceptors.contract import Fault
from kiosk.brain.limits import _ACCEPTOR_STATES
from kiosk.domain.claim import WHATS, WHENS, Aftermath
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import NOTICES, SCREENS, from_json, to_json
from kiosk.pages.dispatch import PAGES, page
from kiosk.pages.language import LANGUAGES, translator
from kiosk.pages.notices import TOLD_ELSEWHERE, WORDS
from kiosk.pages.page import Badge, Chip, Choice, Entry, Line, MoneyStrip, Notice, Page
from kiosk.pages.service import REASONS
from kiosk.ui.samples import APPLIED, ATTRACT, CASH, CASH_EMPTY, CLAIM, DONE, LATE, LOST, RECEIPT, SAMPLES, SLIP

SPOKEN = (Badge, Chip, Choice, Entry, Line, MoneyStrip, Notice)
EVERY_PAGE = list(product(SAMPLES, LANGUAGES))


def made(name: str, language: str = "en", **changes: Any) -> Page:
    return page(replace(SAMPLES[name], language=language, **changes), translator(language))


def nodes(part: Any) -> list[Any]:
    """Return every part of a page that is shown, at any depth."""
    if isinstance(part, tuple):
        return [node for item in part for node in nodes(item)]
    own = [part] if isinstance(part, SPOKEN) else []
    if is_dataclass(part) and not isinstance(part, type):
        return own + [node for field in fields(part) for node in nodes(getattr(part, field.name))]
    return own


def test_every_screen_and_every_notice_has_its_words() -> None:
    assert set(PAGES) == set(SCREENS)
    assert set(WORDS) | TOLD_ELSEWHERE == set(NOTICES)
    assert {snapshot.screen for snapshot in SAMPLES.values()} == set(SCREENS)


@pytest.mark.parametrize("notice", [notice for notice in NOTICES if notice not in TOLD_ELSEWHERE])
def test_a_notice_is_shown_in_both_languages(notice: str) -> None:
    english, spanish = (
        page(replace(CASH, notice=notice, notice_minor=2000, language=code), translator(code)).notice
        for code in LANGUAGES
    )
    assert english
    assert spanish
    assert english.text != spanish.text
    assert "{" not in english.text + spanish.text


@pytest.mark.parametrize(("name", "language"), EVERY_PAGE)
def test_every_node_can_be_spoken(name: str, language: str) -> None:
    shown = made(name, language)
    assert shown.title_spoken
    assert not shown.big or shown.big_spoken
    for node in nodes(shown):
        assert node.spoken, node
        assert "$" not in node.spoken, f"an amount is spoken in words: {node.spoken}"
        assert "{" not in node.spoken


@pytest.mark.parametrize(("name", "language"), EVERY_PAGE)
def test_the_bottom_band_is_always_the_same(name: str, language: str) -> None:
    bar = made(name, language).bar
    assert [choice.intent.name for choice in bar] == ["help", "language", "sound", "text_size", "start_over"]
    assert {choice.kind for choice in bar} == {"bar"}


def syllables(word: str) -> int:
    return max(1, len(re.findall(r"[aeiouyáéíóúü]+", word.lower().removesuffix("e"))))


@pytest.mark.parametrize(("name", "language"), EVERY_PAGE)
def test_words_are_plain(name: str, language: str) -> None:
    """Average sentence under 15 words; Flesch-Kincaid grade 6 or lower in English (C1)."""
    shown = made(name, language)
    notice = (shown.notice.text,) if shown.notice else ()
    texts = [*(line.text for line in shown.lines if line.tone != "rule"), *notice, *(c.hint for c in shown.choices)]
    sentences = [s for text in texts for s in re.split(r"[.:?!](?:\s|$)|·", text) if re.search(r"[a-z]{2}", s)]
    words = [word for sentence in sentences for word in re.findall(r"[^\W\d_]+", sentence)]
    if not words:
        return
    assert len(words) / len(sentences) < 15
    if language == "en" and len(words) > 20:
        grade = 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59
        assert grade <= 6, (grade, texts)


def test_sums_and_digits_are_heard_in_words() -> None:
    invoice = made("invoice")
    assert invoice.title == "You owe $53.18"
    assert invoice.title_spoken == "You owe fifty-three dollars and eighteen cents"
    assert "four four one, seven" in invoice.lines[0].spoken
    assert made("invoice", "es").title_spoken == "Usted debe cincuenta y tres dólares con dieciocho centavos"
    assert made("type_account").entry == Entry(
        "Account number", "100 200", spoken="Account number: one zero zero, two zero zero"
    )


def test_an_account_shows_at_most_its_last_four_digits() -> None:
    text = " ".join(node.spoken + getattr(node, "text", "") for node in nodes(made("invoice_offline")))
    assert "1002004417" not in text
    assert "4417" in made("invoice_offline").lines[0].text


def test_a_pin_is_neither_shown_nor_spoken() -> None:
    entry = made("staff_sign_in").entry
    assert entry == Entry("PIN", "••••", spoken="PIN: 4 digits")


def test_language_is_offered_by_its_own_name_on_every_page() -> None:
    for name in SAMPLES:
        assert made(name, "en").bar[1] == replace(
            made(name, "en").bar[1], intent=Intent("language", "es"), label="Español"
        )
        assert made(name, "es").bar[1].label == "English"


def test_past_due_is_offered_only_as_a_part_of_the_balance() -> None:
    intents = [choice.intent.name for choice in made("invoice_late").choices]
    assert intents == ["pay_full", "pay_past_due", "pay_other", "back"]
    for past_due in (0, LATE.balance_minor):
        choices = made("invoice_late", account=replace(LATE, past_due_minor=past_due)).choices
        assert "pay_past_due" not in [choice.intent.name for choice in choices]


def test_shut_off_tells_what_keeps_the_service_on() -> None:
    notice = made("invoice_late").notice
    assert notice is not None
    assert "$124.60" in notice.text


def test_cash_is_cancelled_while_empty_and_stopped_later() -> None:
    assert made("cash_empty").choices[0].intent == Intent("back")
    assert made("cash").choices[0].intent == Intent("stop")
    assert made("cash_credit").choices[0].label == "Finish"


def test_credit_is_asked_once_and_only_when_a_note_does_not_fit() -> None:
    def asks(**changes: Any) -> bool:
        payment = replace(CASH.payment, **changes) if CASH.payment else None
        return any(choice.intent.name == "allow_credit" for choice in made("cash", payment=payment).choices)

    assert asks()
    assert not asks(credit_agreed=True)
    assert not asks(allowed_minor=(100, 500, 1000, 2000, 5000, 10000))


def test_notes_that_do_not_fit_are_struck_and_said_so() -> None:
    chips = made("cash").chips
    assert [chip.label for chip in chips if not chip.enabled] == ["$50", "$100"]
    assert chips[4].spoken == "fifty dollars: not now"


def test_an_accepted_note_is_announced_with_what_is_left() -> None:
    line = made("cash").lines[0]
    assert line.text == "$20 accepted. Thank you."
    assert "forty dollars in. thirteen dollars and eighteen cents left to pay." in line.spoken
    assert line.spoken.endswith("Cash bills up to twenty dollars fit now.")


def test_the_largest_note_that_fits_is_named_before_one_goes_in() -> None:
    assert CASH_EMPTY.payment
    small = replace(CASH_EMPTY.payment, allowed_minor=CASH_EMPTY.payment.denominations_minor[:3])
    most = small.denominations_minor[2] // 100
    assert made("cash_empty", payment=small).lines[0].text == f"Cash bills up to ${most} fit now."
    for notice in ("note_rejected", "note_too_large"):
        said = made("cash_empty", payment=small, notice=notice, notice_minor=10_000).notice
        assert said
        assert f"up to ${most}" in said.text
    every = replace(small, allowed_minor=small.denominations_minor)
    texts = [line.text for line in made("cash_empty", payment=every).lines]
    assert not any("fit now" in text for text in texts)


@pytest.mark.parametrize("in_minor", [0, 1, 2659, 5317, 5318, 6000])
def test_the_bar_of_the_money_strip_fills_with_what_is_in(in_minor: int) -> None:
    assert CASH_EMPTY.payment
    left = max(0, 5318 - in_minor)
    money = made("cash_empty", payment=replace(CASH_EMPTY.payment, in_minor=in_minor, left_minor=left)).money
    assert money is not None
    assert money.filled_permille == min(1000, in_minor * 1000 // 5318)


def test_the_receipt_number_is_large_and_posting_is_told() -> None:
    posted, queued = made("done"), made("done_queued")
    assert posted.big == ("Receipt number", RECEIPT.number)
    assert posted.badge
    assert posted.badge.text == "Posted"
    assert queued.badge
    assert queued.badge.text == "Kept safe"
    assert "when the line is back" in queued.lines[0].text
    assert "reprint" not in [
        c.intent.name for c in made("done", receipt=replace(RECEIPT, printed="unavailable")).choices
    ]


def test_overlays_stand_above_everything_and_idle_above_help() -> None:
    both = page(replace(CASH, help_open=True, idle_left_s=9), translator("en"))
    assert (both.name, both.overlay) == ("idle", True)
    assert both.big == ("Seconds left", "9")
    assert page(replace(CASH, help_open=True), translator("en")).name == "help"


def test_staff_enter_from_help_but_never_over_a_payment() -> None:
    assert Intent("staff") in [choice.intent for choice in made("help_attract").choices]
    assert Intent("staff") not in [choice.intent for choice in made("help").choices]


def test_staff_pages_look_different_and_always_offer_the_way_out() -> None:
    for name in ("staff_health", "staff_swap"):
        shown = made(name)
        assert shown.staff
        assert shown.who == "Dana Ortiz"
        assert [choice.intent for choice in shown.choices if choice.kind == "band"] == [Intent("sign_out")]


def test_an_empty_cassette_is_not_swapped() -> None:
    staff = SAMPLES["staff_health"].staff
    assert staff
    swap = made("staff_health", staff=replace(staff, notes=0)).choices[0]
    assert (swap.intent.name, swap.enabled) == ("swap_cassette", False)


def test_reasons_for_being_closed_are_words_and_said_once() -> None:
    shown = page(
        replace(ATTRACT, screen="out_of_service", reasons=("acceptor_lost", "acceptor_faulted", "frozen_fork")),
        translator("en"),
    )
    assert [line.text for line in shown.lines if line.tone == "strong"] == [
        "The cash slot does not work.",
        "Its records need a check before it can take money.",
    ]


def closed(reason: str, language: str) -> list[str]:
    shown = page(replace(ATTRACT, screen="out_of_service", reasons=(reason,), language=language), translator(language))
    return [line.text for line in shown.lines if line.tone == "strong"]


def test_every_fault_of_a_device_and_of_the_records_has_a_reason_in_words() -> None:
    faults = (Fault.__doc__ or "").partition("`code`: ")[2].partition(".")[0]
    codes = {code.strip() for code in faults.split(",")} | set(_ACCEPTOR_STATES.values())
    assert len(codes) >= 12
    storage = {"disk_full", "disk_read_only", "disk_failed", "disk_slow", "wrong_medium"}
    assert codes | storage | {"screen_silent", "stopping", "journal_damaged", "crash_loop", "not_enrolled"} <= set(
        REASONS
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_being_closed_is_one_plain_sentence(language: str) -> None:
    frozen = ("fork", "malformed", "head_ahead", "head_differs", "journal_damaged", "kiosk-suspended")
    said = {code: closed(code, language) for code in (*REASONS, *(f"frozen_{reason}" for reason in frozen))}
    for code, lines in said.items():
        assert len(lines) == 1, code
        assert "_" not in lines[0], code
    assert said["frozen_kiosk-suspended"] == said["journal_damaged"] != said["crash_loop"]
    assert len({lines[0] for lines in said.values()}) == len(set(REASONS.values()))
    assert closed("never_heard_of", language) == said["crash_loop"]


def test_nobody_is_told_that_staff_know_what_nobody_could_tell_them() -> None:
    assert "Staff have been told." in texts(made("out_of_service"))
    away = texts(made("out_of_service", online=False))
    assert "Staff have been told" not in away
    assert "Please tell the staff at the counter." in away


def test_while_a_note_is_looked_for_the_money_is_said_to_be_safe() -> None:
    for language, words in (("en", "Money already put in is safe."), ("es", "El dinero que ya entró está seguro.")):
        doubt = made("starting_doubt", language)
        assert words in " ".join(line.text for line in doubt.lines)
        assert doubt.notice is None, "the page itself says it, calmly"
        assert doubt.title != made("starting", language).title
        lost = made("starting", language, reasons=("acceptor_lost",))
        assert words in " ".join(line.text for line in lost.lines)
        booting = made("starting", language, reasons=("acceptor_starting",))
        assert booting == made("starting", language), "a kiosk that merely starts alarms nobody"


@pytest.mark.parametrize("printed", ["failed", "unavailable"])
@pytest.mark.parametrize("notice", ["", "receipt_failed", "printer_out"])
def test_without_paper_the_number_is_to_be_photographed(printed: str, notice: str) -> None:
    shown = made("done", receipt=replace(RECEIPT, printed=printed), notice=notice)
    assert "Take a picture of this number" in shown.help[0].text
    assert "Take a picture of this number" in shown.big_spoken
    assert shown.notice
    assert "shut-off notice is cancelled" in shown.notice.text


def test_an_account_without_name_or_address_reads_well() -> None:
    assert made("invoice_offline").lines[0].text == "Account ending in 4417"
    assert made("invoice").lines[0].text == "Water and trash · account ending in 4417 · 1•• Maple St"


def test_a_stopped_slot_asks_for_no_cash() -> None:
    jammed = made("cash_jammed")
    assert jammed.chips == ()
    assert [(c.intent.name, c.kind) for c in jammed.choices] == [("stop", "primary")]
    assert "Put in" not in jammed.title


@pytest.mark.parametrize("name", SAMPLES)
def test_a_snapshot_that_crossed_the_socket_makes_the_same_page(name: str) -> None:
    assert page(from_json(to_json(SAMPLES[name])), translator("en")) == made(name)


def test_no_word_of_one_session_is_on_the_next_attract_page() -> None:
    """T5: whatever a session held, the page that follows it is the page of a kiosk that never knew it."""
    held = replace(DONE, account=LATE, receipt=RECEIPT, entry="1002004417")
    after = replace(ATTRACT, account=None, receipt=None, entry="")
    assert page(after, translator("en")) == page(ATTRACT, translator("en"))
    personal = {"4417", "0093", "53.18", "208.41", RECEIPT.number, "Maple", "River Rd"}
    shown = repr(page(replace(held, screen="attract"), translator("en")))
    assert not [word for word in personal if word in shown]


# Money that somebody may be waiting for


def texts(shown: Page) -> str:
    return " ".join(f"{line.text} {line.amount}" for line in shown.lines)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", ["attract", "out_of_service", "starting"])
def test_what_became_of_money_is_told_wherever_nobody_has_begun(screen: str, language: str) -> None:
    shown = made("attract", language, screen=screen, reasons=("acceptor_lost",), aftermath=(APPLIED, LOST))
    for word in ("$20.00", "4417", "$20", LOST.number):
        assert word in texts(shown)
    heard = " ".join(line.spoken for line in shown.lines)
    assert ("four four one, seven" if language == "en" else "cuatro cuatro uno, siete") in heard


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_ending_and_every_paper_has_words_of_its_own(language: str) -> None:
    def said(what: str, paper: str, **changes: Any) -> str:
        return texts(made("attract", language, aftermath=(replace(LOST, what=what, paper=paper, **changes),)))

    whats = ("applied", "asking", "lost", "found", "unplaced", "filed")
    assert len({said(what, "printing") for what in whats}) == len(whats)
    for what in ("applied", "lost", "unplaced", "filed"):
        assert len({said(what, paper) for paper in ("printing", "printed", "failed")}) == 3
        assert LOST.number in said(what, "failed"), "without paper the number is on the page"
        assert said(what, "failed") == said(what, "waiting")
    assert "$0" not in said("unplaced", "printing", amount_minor=0)
    assert "4417" not in said("applied", "printing", last4="")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_reads_that_money_is_safe_beside_money_that_is_looked_for(language: str) -> None:
    reasons = ("disk_full", "acceptor_lost")
    safe = {"en": "safe.", "es": "seguro."}[language]
    for screen in ("starting", "out_of_service"):
        told = texts(made("attract", language, screen=screen, reasons=reasons, aftermath=(LOST,)))
        assert safe not in told
        assert safe in texts(made("attract", language, screen=screen, reasons=reasons))
        slot = {"en": "cash slot does", "es": "ranura de efectivo no"}[language]
        assert slot not in told, "the gravest reason is enough"


def test_a_long_night_of_trouble_still_makes_a_page() -> None:
    many = tuple(Aftermath("lost", 100 * at, "", f"RB-07-C1-{at:06d}", "printed") for at in range(1, 9))
    shown = made("attract", aftermath=many)
    assert [line.amount for line in shown.lines] == ["", "RB-07-C1-000007", "", "RB-07-C1-000008"]


@pytest.mark.parametrize("name", ["cash_doubt", "done_doubt"])
def test_a_note_in_doubt_is_told_with_the_number_of_its_claim(name: str) -> None:
    shown = made(name)
    assert LOST.number in [line.amount for line in shown.lines]
    assert "accepted" not in texts(shown), "the note before it is not thanked for now"
    assert shown.notice
    assert "opened a claim" in shown.notice.text


def claim_step(step: str, language: str = "en", **changes: Any) -> Page:
    return made("cash", language, claim=replace(CLAIM, step=step, **changes))


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.startswith("staff")])
def test_a_claim_is_found_in_the_help_of_every_page(name: str) -> None:
    asked = page(replace(SAMPLES[name], help_open=True, idle_left_s=0), translator("en"))
    offered = [choice.intent.name for choice in asked.choices]
    assert ("claim" in offered) == (SAMPLES[name].claim is None)
    assert ("staff" in offered) <= (SAMPLES[name].claim is None)


def test_a_kiosk_that_cannot_write_and_staff_offer_no_claim() -> None:
    for name in ("attract", "staff_health"):
        shown = made(name, help_open=True, claims=False)
        assert "claim" not in [choice.intent.name for choice in shown.choices]


def test_the_steps_of_a_claim_offer_every_answer_and_the_way_back() -> None:
    assert [c.intent for c in claim_step("what").choices] == [*(Intent("claim_what", w) for w in WHATS), Intent("back")]
    assert [c.intent for c in claim_step("when").choices] == [*(Intent("claim_when", w) for w in WHENS), Intent("back")]
    notes = [c.intent for c in claim_step("notes", amount_minor=2000).choices]
    assert notes[:7] == [
        *(Intent("claim_note", str(minor)) for minor in CLAIM.denominations_minor),
        Intent("claim_note", "clear"),
    ]
    assert notes[7:] == [Intent("claim_type"), Intent("submit"), Intent("back")]
    assert Intent("submit") in [c.intent for c in claim_step("notes").choices], "nobody has to know the sum"
    keys = claim_step("amount", amount_minor=456)
    assert keys.entry
    assert (keys.entry.value, keys.entry.spoken) == ("$4.56", "You put in: four dollars and fifty-six cents")


def test_the_slip_page_says_and_shows_what_is_on_the_paper() -> None:
    shown = made("cash", claim=SLIP)
    assert shown.big == ("Claim number", "RB-07-C1-000003")
    assert "zero zero zero, zero zero three" in shown.big_spoken.replace("C one", "")
    for word in ("November 25, 2026", "(555)\N{NO-BREAK SPACE}010-0199", "City Hall, window 3"):
        assert word in texts(shown)
    assert [c.intent.name for c in shown.choices] == ["reprint", "done"]
    gone = made("cash", claim=replace(SLIP, printed="unavailable"))
    assert "Take a picture of this number" in gone.help[0].text
    assert [(c.intent.name, c.label) for c in gone.choices] == [("done", "I have the number")]
    assert [c.intent.name for c in made("cash", claim=replace(SLIP, printed="failed")).choices] == ["reprint", "done"]


def test_idle_and_help_stand_above_a_claim() -> None:
    claimed = replace(CASH, claim=CLAIM)
    assert page(claimed, translator("en")).name == "claim_what"
    assert page(replace(claimed, help_open=True), translator("en")).name == "help"
    assert page(replace(claimed, help_open=True, idle_left_s=3), translator("en")).name == "idle"
