"""What an answer means: which transaction it is about, and what became of the money (sheet sections 6, 8 and 11)."""

import re
from dataclasses import dataclass, field

from hardware.cards.contract import APPROVED, CANCELLED, DECLINED, NOT_STARTED, UNKNOWN, Identity, Slip
from hardware.cards.pax.frames import Response
from hardware.cards.pax.requests import RETURN, SALE, VOID, VOID_SALE

GOOD = "000000"
OFFLINE_APPROVAL = "000001"
DUPLICATE = "100011"
NOT_FOUND = "100023"
_APPROVALS = (GOOD, "000002", "000003")
_WHOLE = (GOOD, "000003")  # approved as asked for; a part is 000002

# Every code that is not here says nothing for certain.
_RESULTS = {
    **dict.fromkeys(
        ["000100", "100014", "100015", "100016", "100017", "100018", "100019", "100020", "100022"], DECLINED
    ),
    **dict.fromkeys(["100001", "100002"], CANCELLED),
    **dict.fromkeys(
        ["100003", "100004", "100005", "100007", "100012", "100013", "100024", "100025", "100027", "100028"],
        NOT_STARTED,
    ),
}
# 100023 means several things and says which in its message.
_TEXTS = {"USER ABORTED": CANCELLED, "CANNOT VOID": DECLINED}

FAULTS = {"100007": "offline", "100022": "out_of_service", "100024": "out_of_service", "100025": "out_of_service"}

_HOST_GOOD = frozenset({"", "0", "00", "85", "10"})  # 10 is a partial approval
_VOIDS = frozenset({VOID, VOID_SALE, "18"})
_KINDS = {"sale": frozenset({"", SALE}), "refund": frozenset({"", RETURN}), "void": _VOIDS | {""}}

BRANDS = {
    "01": "Visa",
    "02": "Mastercard",
    "03": "American Express",
    "04": "Discover",
    "05": "Diners Club",
    "06": "enRoute",
    "07": "JCB",
    "08": "RevolutionCard",
    "09": "Visa Fleet",
    "10": "Mastercard Fleet",
    "11": "FleetOne",
    "12": "Fleetwide",
    "13": "Fuelman",
    "14": "Gascard",
    "15": "Voyager",
    "16": "WEX",
}
_ENTRIES = {"1": "swipe", "2": "contactless", "4": "chip", "5": "fallback"}
_VERIFIED = {"1": "pin", "2": "pin", "4": "pin", "7": "none"}  # 6 was seen where nobody signed (section 13)

TEXT_MAX = 40


@dataclass(frozen=True)
class Transaction:
    """One transaction as a T01 or R03 describes it. `amount_minor` None: it names none that can be read."""

    kind: str
    amount_minor: int | None
    host_code: str
    number: str
    reference: str
    slip: Slip = field(default_factory=Slip)


@dataclass(frozen=True)
class Verdict:
    result: str
    amount_minor: int = 0
    reason: str = ""


def transaction(response: Response) -> Transaction:
    """Return what a T01 tells."""
    return _transaction(response, host=5, kind=6, amounts=7, account=8, trace=9, extended=13)


def debit(response: Response) -> Transaction:
    """Return what a T03 tells, which has fewer groups."""
    return _transaction(response, host=5, kind=6, amounts=7, account=8, trace=9, extended=10)


def record(response: Response) -> Transaction:
    """Return what an R03 tells."""
    return _transaction(response, host=7, kind=9, amounts=11, account=12, trace=13, extended=17)


def _transaction(
    response: Response, host: int, kind: int, amounts: int, account: int, trace: int, extended: int
) -> Transaction:
    keys = _keys(response.group(extended))
    slip = Slip(
        brand=BRANDS.get(response.text(account, 6), ""),
        last4=response.text(account),
        entry=_ENTRIES.get(response.text(account, 1), ""),
        approval=_plain(response.text(host, 2)),
        application=keys.get("APPPN", "") or keys.get("APPLAB", ""),
        aid=keys.get("AID", ""),
        tvr=keys.get("TVR", ""),
        tsi=keys.get("TSI", ""),
        response_code=keys.get("ARC", "") or _plain(response.text(host, 11)),
        cryptogram=keys.get("TC", "") or keys.get("ARQC", ""),
        verified=_VERIFIED.get(keys.get("CVM", ""), ""),
        terminal_id=keys.get("SN", ""),
        batch=_plain(response.text(host, 5)),
        trace=_plain(response.text(host, 4)),
        host_reference=_plain(response.text(host, 3)) or keys.get("HREF", ""),
    )
    return Transaction(
        kind=response.text(kind),
        amount_minor=_whole(response.text(amounts)),
        host_code=response.text(host),
        number=_plain(response.text(trace)),
        reference=response.text(trace, 1),
        slip=slip,
    )


def _keys(group: tuple[str, ...]) -> dict[str, str]:
    pairs = (text.partition("=") for text in group)
    return {key.upper(): _plain(value) for key, mark, value in pairs if mark}


def _plain(text: str) -> str:
    return text.strip()[:TEXT_MAX]


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


# What became of the money


def judge(response: Response, operation: str, reference: str, asked_minor: int) -> Verdict:
    """Return what a T01 to `operation` with `reference` decides. Never approved unless it says so in every part."""
    told = transaction(response)
    code = response.code
    if code == DUPLICATE:
        return _duplicate(told, operation, reference, asked_minor)
    if code in _APPROVALS:
        return _approval(told, operation, reference, asked_minor, code)
    result = _RESULTS.get(code, UNKNOWN)
    if code == NOT_FOUND:
        result = next((meant for text, meant in _TEXTS.items() if text in response.message.upper()), UNKNOWN)
    return Verdict(result, reason=code)


def _approval(told: Transaction, operation: str, reference: str, asked_minor: int, code: str) -> Verdict:
    if told.reference not in ("", reference) or told.kind not in _KINDS[operation]:
        return Verdict(UNKNOWN, reason="another transaction")
    amount_minor = told.amount_minor
    if operation == "void":
        # It undoes the whole sale, and some versions do not repeat the amount.
        fits = amount_minor in (None, 0, asked_minor)
        return Verdict(APPROVED, asked_minor, code) if fits else Verdict(UNKNOWN, reason="amount")
    if amount_minor is None or not 0 < amount_minor <= asked_minor:
        return Verdict(UNKNOWN, reason="amount")
    if code in _WHOLE and amount_minor != asked_minor:
        return Verdict(UNKNOWN, reason="amount")  # two flipped bits pass the checksum: the terminal is asked again
    return Verdict(APPROVED, amount_minor, code)


def _duplicate(told: Transaction, operation: str, reference: str, asked_minor: int) -> Verdict:
    """The terminal tells of the first one. With our own reference that is ours; with another's, ours was not made."""
    if told.reference == reference:
        return _approval(told, operation, reference, asked_minor, DUPLICATE)
    return Verdict(DECLINED if told.reference else UNKNOWN, reason=DUPLICATE)


def judge_record(told: Transaction, operation: str, asked_minor: int) -> Verdict:
    """Return what a record of the batch decides about `operation`; `asked_minor` 0 if that is not known any more."""
    if operation == "sale" and told.kind in _VOIDS:
        return Verdict(CANCELLED, reason="voided")
    if told.kind not in _KINDS[operation] or not told.kind or told.amount_minor is None:
        return Verdict(UNKNOWN, reason="another transaction")
    amount_minor = told.amount_minor or (asked_minor if operation == "void" else 0)
    if not amount_minor:
        return Verdict(DECLINED, reason=told.host_code)
    if told.host_code not in _HOST_GOOD or (asked_minor and amount_minor > asked_minor):
        return Verdict(UNKNOWN, reason="amount" if told.host_code in _HOST_GOOD else told.host_code)
    return Verdict(APPROVED, amount_minor, told.host_code)


def is_void(told: Transaction) -> bool:
    return told.kind in _VOIDS


def not_found(response: Response) -> bool:
    """An R03 that says that there is no such record, and not that it could not look."""
    return response.code == NOT_FOUND and "NOT FOUND" in response.message.upper()


# The terminal itself


def identity(response: Response, store_and_forward: bool) -> Identity:
    return Identity(
        protocol="pax",
        model=_plain(response.text(6)),
        serial=_plain(response.text(5)),
        firmware=_plain(response.text(7)),
        terminal_id=_plain(response.text(5)),
        store_and_forward=store_and_forward,
    )


def stores_and_forwards(response: Response) -> bool:
    """Whether an A79 says that the terminal may approve by itself; one that does not know the question does not."""
    return response.code == GOOD and response.text(5) not in ("", "0")


@dataclass(frozen=True)
class Closing:
    result: str
    count: int
    total_minor: int
    reason: str


def closing(response: Response) -> Closing:
    """Return what a B01 tells; count and total are those of credit and debit cards."""
    counts, amounts = (_listed(response.text(at)) for at in (6, 7))
    host_code = response.text(5)
    if response.code == GOOD:
        result = APPROVED if host_code in ("", "0", "00") else UNKNOWN
    else:
        certain = response.code in _RESULTS or response.code in ("000300", "100006")
        result = DECLINED if certain else UNKNOWN
    return Closing(result, sum(counts[:2]), sum(amounts[:2]), response.code)


def _listed(text: str) -> list[int]:
    return [_whole(number) or 0 for number in text.split("=")]
