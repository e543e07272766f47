"""The JSON of /v1 as types (docs/wire.md). Unknown fields are ignored; sums are cents; times RFC 3339 UTC."""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BaseModel, Field, StringConstraints

# PostgreSQL holds no NUL in text.
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
Token = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
# What comes by the hundred is a plain model: a Schema looks at each for a Django object behind it.
Whole = Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]


class FieldError(Schema):
    pointer: str
    code: str


class ProblemOut(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    retryable: bool
    retry_after_s: int | None = None
    expected_seq: int | None = None
    kept_seq: int | None = Field(None, description="the last record of the losing branch that is kept now")
    seq: int | None = None
    server_time: str | None = None
    errors: list[FieldError] | None = None


class EpochHeld(Schema):
    """What a kiosk was given when it was enrolled."""

    kiosk_id: Annotated[str, StringConstraints(max_length=40)]
    epoch: Annotated[int, Field(strict=True, ge=1, lt=2**31)]
    nonce: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class EnrolmentIn(Schema):
    code: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    public_key: Annotated[str, StringConstraints(max_length=44)]
    hardware: dict[str, Any] = Field(default_factory=dict)
    held: EpochHeld | None = Field(None, description="an epoch that this server forgot, to be known again")


class EnrolmentOut(Schema):
    kiosk_id: str
    epoch: int
    nonce: str
    server_key: str
    receipt_prefix: str
    city: str
    time_zone: str
    server_time: str


class HeadOut(Schema):
    kiosk_id: str
    epoch: int
    head_seq: int
    head_hash: str
    frozen: str = Field(description="empty, or what befell this epoch: malformed, or journal-fork (it was copied)")
    seen_at: str = Field(description="when this kiosk was last heard from, empty before its first heartbeat")
    server_time: str


class RecordWire(BaseModel):
    """`entry` is the record's RFC 8785 form as text."""

    entry: str
    hash: str
    sig: str


class RecordsOut(Schema):
    records: list[RecordWire]
    next: int | None


class HeartbeatIn(Schema):
    boot_id: Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")]
    counter: Whole
    health: dict[str, Any] = Field(default_factory=dict)


class HeartbeatOut(Schema):
    server_time: str
    commands: list[str]
    head_seq: int
    head_hash: str


class LineOut(Schema):
    code: str
    label: str
    amount_minor: int


class PaidOut(Schema):
    amount_minor: int
    at: str


class InvoiceOut(Schema):
    id: str
    kind: str
    label: str
    due_date: str
    balance_minor: int
    past_due_minor: int
    shut_off: bool
    paid_lately: list[PaidOut] = Field(
        description="what kiosks put on it in the last ten minutes: ask before the same sum is paid again"
    )
    lines: list[LineOut]


class ApplyOut(Schema):
    """The order in which a part payment is applied; it stands on the receipt."""

    rule: str
    kind: Literal["oldest", "shut_off", "utility"] = Field(description="what comes first: for words in any language")
    text: str
    order: list[str] = Field(description="invoice ids")


TenderName = Literal["cash", "card", "check"]


class LimitOut(Schema):
    """Null where nothing limits the tender. `left_today_minor` is for this account, at all kiosks."""

    tender: TenderName
    payment_minor: int | None
    day_minor: int | None
    left_today_minor: int | None


class AccountOut(Schema):
    account: str
    last4: str
    name: str
    address: str
    status: Literal["open", "closed"]
    currency: str
    balance_minor: int
    past_due_minor: int
    as_of: str
    minimum_minor: int
    shut_off_held: bool
    apply: ApplyOut
    limits: list[LimitOut]
    cash_report_minor: int = Field(description="cash of one day that has to be reported: staff take it")
    checks: Literal["taken", "refused"]
    invoices: list[InvoiceOut]


class InvoicesOut(Schema):
    invoices: list[InvoiceOut]


class QuoteIn(Schema):
    account: Token
    amount_minor: Whole
    tender: TenderName = "cash"


class LinePaid(Schema):
    account: str
    invoice: str
    amount_minor: int


class QuoteOut(Schema):
    quote_id: str
    rule: str = Field(description="by which the lines are in this order")
    lines: list[LinePaid]
    repeats: list[str] = Field(description="invoices on which the same sum was paid in the last ten minutes")
    fee_minor: int
    total_minor: int
    fee_schedule_version: str
    expires_at: str
    offline_ok: bool


class JournalIn(Schema):
    records: Annotated[list[RecordWire], Field(min_length=1, max_length=100)]


class ResultOut(BaseModel):
    seq: int
    outcome: Literal["created", "exists"]
    disposition: Literal["posted", "suspense", "memo", "kept"]
    reason: str


class Acknowledgement(Schema):
    text: str
    sig: str


class StoppedOut(Schema):
    type: str
    expected_seq: int


class JournalOut(Schema):
    results: list[ResultOut]
    acknowledgement: Acknowledgement
    frozen: str = Field(description="as in the head")
    stopped: StoppedOut | None = None


class ReceiptCodeIn(Schema):
    code: Annotated[str, StringConstraints(max_length=40)]


class ReceiptOut(Schema):
    valid: bool
    total_minor: int | None = None
    currency: str | None = None
    value_date: str | None = None
    posted: bool = False
