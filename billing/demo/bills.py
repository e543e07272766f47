"""Printed bills: one letter page for each open bill, with the stub that residents bring to the kiosk."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode import code128, qr
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color, HexColor, black, white
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from billing import clock
from billing.customers import billcode
from billing.customers.billcode import BillCode
from billing.customers.models import Account, City, Invoice
from billing.customers.statement import OpenBill, open_bills
from billing.money import format_minor

# Points, from the lower left corner of a letter page.
_WIDTH, _HEIGHT = letter
_LEFT, _RIGHT = 50, _WIDTH - 50
_CUT = 232
_BAR = 1.2  # narrowest bar of the Code 128: 0.42 mm, what a camera at arm's length still separates

_NAVY, _BLUE, _PALE, _GREY, _RED = map(HexColor, ("#12304f", "#2a6f97", "#eaf1f6", "#5a6672", "#a4161a"))
_TITLES = {"utility": "Utility bill", "licence": "Business licence renewal"}


def print_bills(folder: Path, accounts: int) -> Iterator[Path]:
    """Write `bill-<account>-<bill>.pdf` for the open bills of the first `accounts` accounts that owe; yield each."""
    folder.mkdir(parents=True, exist_ok=True)
    city, today, printed = City.current(), clock.city_date(clock.now()), 0
    for account in Account.objects.select_related("customer").order_by("pk"):
        if printed >= accounts:
            return
        bills, _ = open_bills(account)
        printed += bool(bills)
        for bill in bills:
            path = folder / f"bill-{account.number}-{bill.invoice.number}.pdf"
            canvas = Canvas(str(path), pagesize=letter, invariant=True)
            _Page(canvas, city, account, bill, today).draw()
            canvas.save()
            yield path


def payload(bill: OpenBill) -> str:
    """Return the 34 digits of a bill's barcodes."""
    invoice = bill.invoice
    return billcode.encode(BillCode(invoice.account.number, invoice.number, bill.owed_minor, invoice.due_date))


class _Page:
    def __init__(self, canvas: Canvas, city: City, account: Account, bill: OpenBill, today: date) -> None:
        self._canvas, self._city, self._account, self._bill = canvas, city, account, bill
        self._invoice: Invoice = bill.invoice
        self._late = self._invoice.due_date < today

    def draw(self) -> None:
        self._canvas.setTitle(f"Bill {self._invoice.number}")
        self._head()
        self._addressee()
        self._facts()
        self._amount_band()
        self._notices(self._charges(top=500))
        self._stub()
        self._canvas.showPage()

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 10,
        bold: bool = False,
        color: Color = _NAVY,
        right: bool = False,
    ) -> None:
        self._canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
        self._canvas.setFillColor(color)
        (self._canvas.drawRightString if right else self._canvas.drawString)(x, y, text)

    def _head(self) -> None:
        canvas, top = self._canvas, _HEIGHT - 84
        canvas.setFillColor(_NAVY)
        canvas.rect(0, top, _WIDTH, 84, stroke=0, fill=1)
        self._seal(_LEFT + 26, top + 42)
        self._text(_LEFT + 66, top + 46, str(self._city.name), 20, bold=True, color=white)
        self._text(_LEFT + 66, top + 29, f"{self._city.hall} · {self._city.postal}", 9, color=_PALE)
        self._text(_RIGHT, top + 46, _TITLES[self._invoice.kind], 15, bold=True, color=white, right=True)
        self._text(_RIGHT, top + 29, f"{self._city.phone} · {self._city.web}", 9, color=_PALE, right=True)

    def _seal(self, x: float, y: float) -> None:
        """A river under a sun: the city's mark."""
        canvas = self._canvas
        canvas.setFillColor(white)
        canvas.circle(x, y, 26, stroke=0, fill=1)
        canvas.setFillColor(HexColor("#e9b44c"))
        canvas.circle(x, y + 7, 8, stroke=0, fill=1)
        canvas.setStrokeColor(_BLUE)
        canvas.setLineWidth(2.4)
        for row in range(3):
            level = y - 3 - 6 * row
            path = canvas.beginPath()
            path.moveTo(x - 17 + 2 * row, level)
            path.curveTo(x - 8, level + 7, x + 2, level - 7, x + 17 - 2 * row, level + 2)
            canvas.drawPath(path)

    def _addressee(self) -> None:
        lines = (self._account.customer.name, f"{self._account.house_number} {self._account.street}", self._city.postal)
        for row, line in enumerate(lines):
            self._text(_LEFT, 668 - 14 * row, str(line), 11)

    def _facts(self) -> None:
        facts = (
            ("Account", _groups(self._account.number)),
            ("Bill number", str(self._invoice.number)),
            ("Bill date", _day(self._invoice.issued_on)),
            ("Due date", _day(self._invoice.due_date)),
            ("Service address", f"{self._account.house_number} {self._account.street}"),
        )
        for row, (label, value) in enumerate(facts):
            y = 682 - 16 * row
            self._text(350, y, label, 9, color=_GREY)
            self._text(_RIGHT, y, value, 10, bold=True, right=True)

    def _amount_band(self) -> None:
        self._canvas.setFillColor(_PALE)
        self._canvas.roundRect(_LEFT, 532, _RIGHT - _LEFT, 56, 6, stroke=0, fill=1)
        words = "Past due. Pay now" if self._late else f"Amount due by {_day(self._invoice.due_date)}"
        self._text(_LEFT + 16, 555, words, 13, bold=True, color=_RED if self._late else _NAVY)
        self._text(_RIGHT - 16, 551, format_minor(self._bill.owed_minor), 26, bold=True, right=True)

    def _charges(self, top: float) -> float:
        """Draw the table of charges and return where it ends."""
        y = top
        self._text(_LEFT, y, str(self._invoice.label), 12, bold=True)
        total = 0
        for line in self._invoice.lines.all():
            y -= 20
            self._text(_LEFT, y, line.label)
            self._text(_RIGHT, y, format_minor(line.amount_minor), right=True)
            self._rule(y - 6)
            total += line.amount_minor
        if total != self._bill.owed_minor:
            y -= 20
            self._text(_LEFT, y, "Payments and credit received")
            self._text(_RIGHT, y, format_minor(self._bill.owed_minor - total), right=True)
            self._rule(y - 6)
        y -= 22
        self._text(_LEFT, y, "Total of this bill", 11, bold=True)
        self._text(_RIGHT, y, format_minor(self._bill.owed_minor), 11, bold=True, right=True)
        return y

    def _rule(self, y: float) -> None:
        self._canvas.setStrokeColor(_PALE)
        self._canvas.setLineWidth(1)
        self._canvas.line(_LEFT, y, _RIGHT, y)

    def _notices(self, below: float) -> None:
        y = below - 34
        if self._invoice.shut_off:
            self._canvas.setStrokeColor(_RED)
            self._canvas.setLineWidth(1.5)
            self._canvas.roundRect(_LEFT, y - 22, _RIGHT - _LEFT, 40, 5)
            self._text(_LEFT + 12, y + 2, "Service may be disconnected", 11, bold=True, color=_RED)
            self._text(_LEFT + 12, y - 13, f"Pay at once, or call {self._city.phone} to arrange a payment plan.", 9.5)
            y -= 52
        self._text(_LEFT, y, "How to pay", 11, bold=True)
        for row, line in enumerate(
            (
                f"Kiosk, any hour: {self._city.hall}. Hold the code below to the reader. Cash, no fee, no change.",
                "Counter: Monday to Friday, 8 to 5. Mail: check or money order with the stub below, never cash.",
                "A payment larger than the bill stays on your account as credit for the next one.",
            )
        ):
            self._text(_LEFT, y - 15 - 13 * row, line, 9, color=_GREY)

    def _stub(self) -> None:
        canvas = self._canvas
        canvas.setStrokeColor(_GREY)
        canvas.setLineWidth(0.7)
        canvas.setDash(4, 3)
        canvas.line(24, _CUT, _WIDTH - 24, _CUT)
        canvas.setDash()
        self._text(_WIDTH / 2 + 78, _CUT + 4, "Bring or return this part with your payment", 7, color=_GREY, right=True)
        self._text(_LEFT, _CUT - 26, str(self._city.name), 12, bold=True)
        self._text(_LEFT, _CUT - 40, f"Due {_day(self._invoice.due_date)}", 9, color=_GREY)
        self._text(_LEFT, _CUT - 60, format_minor(self._bill.owed_minor), 18, bold=True)
        self._typed_line(_LEFT + 160)
        self._codes()

    def _typed_line(self, x: float) -> None:
        """What a resident types when the paper is creased: short, in groups of four."""
        self._text(x, _CUT - 26, "No scan? Type at the kiosk:", 8, color=_GREY)
        self._canvas.setFillColor(_NAVY)
        self._text(x, _CUT - 42, "Account number", 8, color=_GREY)
        self._text(x, _CUT - 58, _groups(self._account.number), 15, bold=True)
        self._text(x + 110, _CUT - 42, "House number", 8, color=_GREY)
        self._text(x + 110, _CUT - 58, str(self._account.house_number), 15, bold=True)

    def _codes(self) -> None:
        digits = payload(self._bill)
        bars = code128.Code128(digits, barWidth=_BAR, barHeight=46, quiet=1, lquiet=12 * _BAR, rquiet=12 * _BAR)
        self._canvas.setFillColor(black)
        bars.drawOn(self._canvas, _LEFT - 12 * _BAR, 96)
        self._canvas.setFont("Courier", 8)
        self._canvas.setFillColor(_NAVY)
        self._canvas.drawString(_LEFT, 82, _groups(digits))
        widget: Any = qr.QrCodeWidget(digits, barLevel="M", barWidth=92, barHeight=92)
        drawing = Drawing(92, 92)
        drawing.add(widget)
        renderPDF.draw(drawing, self._canvas, _RIGHT - 92, 76)
        self._text(
            _LEFT, 56, "This code holds the account, the bill, the amount and the due date; no name.", 7, color=_GREY
        )


def _groups(digits: str) -> str:
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def _day(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
