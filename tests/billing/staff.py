"""Clerks for the tests: people in the two groups, and browsers that are signed in as them."""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client as Browser

from billing.journal.groups import ANSWER, CONFIRM, PROPOSE, RECONCILE

# Statements that must fail on every database. {item} is open money with the standing {proposal} by {proposer},
# {memo} an open note in doubt without one; {posted} is a ledger transaction of something else.
_END = "INSERT INTO journal_resolutionend (resolution_id, outcome, by_id, at, why, transaction_id) VALUES "
_AT = "'2026-11-23 12:00:00+00:00'"
FORBIDDEN = (
    f"UPDATE journal_suspenseitem SET resolved_at = {_AT}, resolution = 'mine' WHERE id = {{item}}",
    f"UPDATE journal_suspenseitem SET resolved_at = {_AT}, resolution = 'mine' WHERE id = {{memo}}",
    f"UPDATE journal_suspenseitem SET resolved_at = {_AT}, answered_seq = 1 WHERE id = {{memo}}",
    "UPDATE journal_suspenseitem SET amount_minor = 1 WHERE id = {item}",
    "UPDATE journal_suspenseitem SET resolution = 'looked at' WHERE id = {item}",
    "DELETE FROM journal_suspenseitem WHERE id = {item}",
    "UPDATE journal_resolution SET proposed_by_id = {second} WHERE id = {proposal}",
    "UPDATE journal_resolution SET why = 'another' WHERE id = {proposal}",
    "DELETE FROM journal_resolution WHERE id = {proposal}",
    "INSERT INTO journal_resolution (item_id, way, cash_subject, summary, why, proposed_by_id, proposed_at)"
    f" VALUES ({{item}}, 'words', '', '', '', {{second}}, {_AT})",
    f"{_END}({{proposal}}, 'confirmed', {{proposer}}, {_AT}, '', NULL)",
    f"{_END}({{proposal}}, 'confirmed', {{second}}, {_AT}, '', NULL)",
    f"{_END}({{proposal}}, 'confirmed', {{second}}, {_AT}, '', {{posted}})",
    f"{_END}({{proposal}}, 'withdrawn', {{second}}, {_AT}, '', {{posted}})",
    f"{_END}({{proposal}}, 'maybe', {{second}}, {_AT}, '', NULL)",
)
# The same about claims: {claim} is open, {answered} is not.
_ANSWER = "outcome = 'not_found', words = 'no', answered_by = 'x'"
FORBIDDEN_CLAIMS = (
    "UPDATE claims_claim SET amount_minor = 1 WHERE id = {claim}",
    f"UPDATE claims_claim SET {_ANSWER}, answered_at = {_AT}, answer_by = '2030-01-01' WHERE id = {{claim}}",
    f"UPDATE claims_claim SET {_ANSWER} WHERE id = {{answered}}",
    "UPDATE claims_claim SET outcome = '', words = '', answered_by = '', answered_at = NULL WHERE id = {answered}",
    "DELETE FROM claims_claim WHERE id = {claim}",
)


def person(*groups: str) -> Any:
    """A new clerk in `groups`."""
    clerk = get_user_model().objects.create_user(f"clerk-{secrets.token_hex(4)}", is_staff=True)
    clerk.groups.set(Group.objects.filter(name__in=groups))
    return clerk


def proposer() -> Any:
    return person(PROPOSE)


def confirmer() -> Any:
    return person(CONFIRM)


def answerer() -> Any:
    return person(ANSWER)


def reconciler() -> Any:
    return person(RECONCILE)


def signed_in(clerk: Any) -> Browser:
    browser = Browser(SERVER_NAME="localhost")
    browser.force_login(clerk)
    return browser
