"""The JSON of answers (docs/wire.md), checked strictly; fields of tomorrow are ignored."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kiosk.domain.invoice import Account, Invoice, InvoiceLine, PaidLately, TenderLimit
from kiosk.domain.money import CURRENCY


class Content(BaseModel):
    """What an answer holds."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class ResultAnswer(Content):
    seq: int
    outcome: str
    disposition: str
    reason: str = ""


class SignedTextAnswer(Content):
    text: str
    sig: str


class StoppedAnswer(Content):
    type: str
    expected_seq: int | None = None


class JournalAnswer(Content):
    results: tuple[ResultAnswer, ...] = Field(min_length=1)
    acknowledgement: SignedTextAnswer
    stopped: StoppedAnswer | None = None


class HeadAnswer(Content):
    kiosk_id: str
    epoch: int
    head_seq: int = Field(ge=0)
    head_hash: str
    server_time: str
    frozen: str = ""
    seen_at: str = ""


class TailAnswer(Content):
    records: tuple[dict[str, Any], ...]
    next: int | None = None


class HeartbeatAnswer(Content):
    server_time: str
    commands: tuple[str, ...] = ()
    head_seq: int | None = Field(None, ge=0)
    head_hash: str = ""


class QuoteLineAnswer(Content):
    code: str = ""
    label: str = ""
    amount_minor: int


class QuoteAnswer(Content):
    quote_id: str
    lines: tuple[QuoteLineAnswer, ...]
    fee_minor: int
    total_minor: int
    fee_schedule_version: str | int
    expires_at: str
    offline_ok: bool


class EnrolmentAnswer(Content):
    kiosk_id: str = Field(min_length=1)
    epoch: int = Field(ge=1)
    nonce: str = Field(pattern=r"^[0-9a-f]{64}$")
    server_key: str
    receipt_prefix: str
    city: str
    time_zone: str
    server_time: str


class _LineAnswer(Content):
    code: str
    label: str
    amount_minor: int


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without its offset")
    return text


class _PaidAnswer(Content):
    amount_minor: int
    at: Annotated[str, AfterValidator(_moment)]


class _InvoiceAnswer(Content):
    id: str = Field(min_length=1)
    kind: str
    label: str
    due_date: str
    balance_minor: int
    past_due_minor: int = 0
    shut_off: bool = False
    lines: tuple[_LineAnswer, ...] = ()
    paid_lately: tuple[_PaidAnswer, ...] = ()

    def invoice(self) -> Invoice:
        lines = tuple(InvoiceLine(line.code, line.label, line.amount_minor) for line in self.lines)
        return Invoice(
            self.id,
            self.kind,
            self.label,
            self.due_date,
            self.balance_minor,
            self.past_due_minor,
            self.shut_off,
            lines,
            tuple(PaidLately(paid.amount_minor, paid.at) for paid in self.paid_lately),
        )


class _ApplyAnswer(Content):
    kind: str = ""
    order: tuple[str, ...] = ()


class _LimitAnswer(Content):
    tender: str
    payment_minor: int | None = Field(None, ge=0)
    left_today_minor: int | None = Field(None, ge=0)


class AccountAnswer(Content):
    account: str = Field(min_length=1)
    last4: str
    name: str = ""
    address: str = ""
    status: str = "open"
    currency: str = Field(pattern=f"^{CURRENCY}$")
    balance_minor: int
    past_due_minor: int = 0
    as_of: str = ""
    invoices: tuple[_InvoiceAnswer, ...] = ()
    apply: _ApplyAnswer = _ApplyAnswer()
    limits: tuple[_LimitAnswer, ...] = ()
    cash_report_minor: int = Field(0, ge=0)
    checks: str = "taken"

    def to_account(self) -> Account:
        return Account(
            ref=self.account,
            last4=self.last4,
            name=self.name,
            address=self.address,
            status=self.status,
            balance_minor=self.balance_minor,
            past_due_minor=self.past_due_minor,
            invoices=tuple(invoice.invoice() for invoice in self.invoices),
            live=True,
            as_of=self.as_of,
            applied=self.apply.kind,
            order=self.apply.order,
            limits=tuple(TenderLimit(one.tender, one.payment_minor, one.left_today_minor) for one in self.limits),
            cash_report_minor=self.cash_report_minor,
            checks_refused=self.checks != "taken",
        )
