"""Who watches a world: every fact, picture, paper and frame is held against what lies in the cassette.

Each rule has a name; the first one that does not hold ends the world with a Violation.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hardware.printer.document import Columns, Document, Text
from kiosk.brain import commands
from kiosk.brain.apply import Contradiction, apply
from kiosk.brain.refund_results import SLIPS
from kiosk.brain.state import Books, OpenPayment, State
from kiosk.domain import facts as f
from kiosk.domain.money import format_minor
from kiosk.domain.snapshot import Snapshot
from kiosk.journal.record import Record
from kiosk.journal.store import Journal
from tests.simulation.audit import Audit
from tests.simulation.households import CHANNELS
from tests.simulation.violation import Violation, require

if TYPE_CHECKING:
    from tests.simulation.world import World

COMMITTED = "a committed record is never lost"
FOLD = "live state is the fold of the journal"
CASSETTE = "stacked <= in the cassette <= stacked + in doubt"
REQUESTED = "no note is stacked without a committed request"
FITS = "no note is asked for that does not fit what is owed or agreed"
OLDEST = "what is paid goes to the oldest bill first"
TIME = "the time of records never goes back"
PERIOD = "a closed cassette period says what was booked to it"
KNOWN = "a report is acknowledged only after its commit"
OWNER = "a note counts for the payment that asked for it"
EVIDENCE = "each stacked note is in one payment, once"
RECEIPTS = "receipt numbers go up by one"
PAPER = "a receipt's figures are its payment's"
SCREEN = "the screen shows what is committed"
PRIVACY = "nothing of one session shows in the next"
CHANGE = "what came out as change is on record, or ordered and in question"
ONCE = "a payment gives change once"
CLAIMED = "a note in doubt has a numbered claim"
SERVED = "after the faults the kiosk takes money again"
POSTED = "after the faults all is posted"
PATH = "at rest no note, payment or paper is open"


class Watch:
    """What the journal says, kept beside it: `entries` as bytes, `facts`, and their fold `books`."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.entries: list[bytes] = []
        self.facts: list[f.Fact] = []
        self.books = Books()
        self.audit = Audit(self)
        self.booked_minor = 0
        self.doubtful_minor = 0
        self.given_minor = 0  # as change, on record
        self.given_doubt_minor = 0  # may have come out
        self._payouts = Counter[str]()
        self._last_time = ""
        self.committed_ms = 0  # when the last record was
        self._in_period = Counter[int]()
        self._unvalued = Counter[int]()  # notes of which nobody knows the value
        self._requested = Counter[str]()
        self._stacked: dict[str, f.NoteStacked] = {}
        self._uncredited: list[str] = []  # note ids of NoteStacked that no payment lists yet
        self._completed: dict[str, f.PaymentCompleted] = {}
        self._on_paper = Counter[str]()
        self._claims: dict[str, f.ClaimOpened] = {}
        self._doubts: dict[str, int] = {}  # note in doubt -> value
        self._matched = 0  # of the slot's stacked notes
        self._presented: dict[str, str] = {}  # account as asked for -> session that asked
        self.toggle_kept = True

    @property
    def payment_id(self) -> str:
        return self.books.payment.payment_id if self.books.payment else ""

    # The journal

    def reopened(self, journal: Journal) -> None:
        """A process starts: the medium holds what was committed, and at most what it was just committing."""
        kept = [record.entry for record in journal.all_records()]
        for at, entry in enumerate(self.entries):
            require(at < len(kept), COMMITTED, f"record {at + 1} of {len(self.entries)} is gone")
            require(kept[at] == entry, COMMITTED, f"record {at + 1} is another one")
        if len(kept) > len(self.entries):
            self._take(journal.records(len(self.entries), 1000))

    def committed(self, records: Sequence[Record]) -> None:
        self._take(records)
        host = self.world.host
        require(host is not None, FOLD, "a dead process commits")

    def _take(self, records: Sequence[Record]) -> None:
        self.committed_ms = self.world.timeline.now_ms
        for record in records:
            envelope = record.envelope()
            fact, at = envelope.fact(), envelope.moment.device_time
            require(at >= self._last_time, TIME, f"record {record.seq} is of {at}, after {self._last_time}")
            self._last_time = at
            self.entries.append(record.entry)
            self.facts.append(fact)
            self._before(fact)
            try:
                self.books = apply(self.books, fact)
            except Contradiction as error:
                raise Violation(FOLD, f"record {record.seq}: {error}") from error
            self._fact(fact)
            self.world.card_watch.fact(fact)
            self.world.day_end.fact(fact)
            self.world.refunds.fact(fact)
            if self.world.checks is not None:
                self.world.checks.fact(fact)
            self.world.trace(f"{record.seq} {fact}")

    def _before(self, fact: f.Fact) -> None:
        """Hold the fact against the books before it."""
        payment, payout = self.books.payment, self.books.payout
        if isinstance(fact, f.PayoutEnded) and fact.result == "unknown" and payout is not None:
            self.given_doubt_minor += payout.amount_minor - payout.paid_minor
        if isinstance(fact, f.NoteStackRequested) and payment is not None:
            left = max(0, payment.agreed_minor - payment.in_minor)
            room = max(payment.agreed_minor, payment.agreed_minor + payment.credit_up_to_minor) - payment.in_minor
            covers = min((value for value in CHANNELS.values() if value >= left), default=0) if left else 0
            value = fact.value_minor
            fits = (
                value <= room or value == covers or (covers and self._kept(value - left) <= self._kept(covers - left))
            )
            require(fits, FITS, f"{value} for {left} left, {room} with credit")
        if isinstance(fact, f.PaymentCompleted):
            paid = self.books.late or payment  # a card was found after its payment had ended, whoever pays now
            require(paid is not None and paid.payment_id == fact.payment_id, OWNER, f"{fact.payment_id} is not open")
            assert paid is not None
            self._oldest_first(fact, paid)
        if isinstance(fact, f.CassettePeriodClosed):
            booked = self._in_period[fact.period]
            require(fact.total_minor == booked, PERIOD, f"period {fact.period} says {fact.total_minor} of {booked}")
            unvalued = sum(count.count for count in fact.notes if not count.value_minor)
            of = self._unvalued[fact.period]
            require(unvalued == of, PERIOD, f"period {fact.period} says {unvalued} of {of} notes of unknown value")

    def _kept(self, over_minor: int) -> int:
        """Return what of a sum too much no change can be given for."""
        return over_minor - self.world.slot.acceptor.best_minor(over_minor)

    @staticmethod
    def _oldest_first(fact: f.PaymentCompleted, payment: OpenPayment) -> None:
        rest, wanted = fact.total_minor, []
        for invoice in payment.invoices:
            part = min(rest, max(0, invoice.amount_minor))
            rest -= part
            wanted += [(invoice.invoice, part)] if part else []
        wanted += [("", rest)] if rest else []
        paid = [(line.invoice, line.amount_minor) for line in fact.lines]
        require(paid == wanted, OLDEST, f"{fact.receipt_number} pays {paid}, owed were {wanted}")

    def _fact(self, fact: f.Fact) -> None:
        match fact:
            case f.NoteStackRequested():
                self._requested[fact.note_id] += 1
                require(self._requested[fact.note_id] == 1, REQUESTED, f"{fact.note_id} is asked for twice")
            case f.NoteStacked():
                self._note_stacked(fact)
            case f.NoteUnexpected():
                self.booked_minor += fact.value_minor
                self._in_period[fact.cassette_period] += fact.value_minor
                if not fact.value_minor:
                    self._unvalued[fact.cassette_period] += 1
                    self.doubtful_minor += max(CHANNELS.values())
            case f.PayoutStarted():
                self._payouts[fact.payment_id] += 1
                require(self._payouts[fact.payment_id] == 1, ONCE, f"{fact.payment_id} is given change again")
            case f.NotePaidOut():
                self.given_minor += fact.value_minor
                self._in_period[fact.cassette_period] -= fact.value_minor
            case f.NoteInDoubt():
                self.doubtful_minor += fact.value_minor
                self._doubts[fact.note_id] = fact.value_minor
            case f.ClaimOpened():
                number = fact.claim_number
                at = int(number.rpartition("-")[2])
                require(at == len(self._claims) + 1, CLAIMED, f"{number} follows {len(self._claims)}")
                self._claims[number] = fact
            case f.PaymentCompleted():
                self._payment_completed(fact)

    def _note_stacked(self, fact: f.NoteStacked) -> None:
        require(fact.note_id not in self._stacked, EVIDENCE, f"note {fact.note_id} is stacked twice")
        require(self._requested[fact.note_id], REQUESTED, f"note {fact.note_id} was never asked for")
        self._stacked[fact.note_id] = fact
        self._uncredited.append(fact.note_id)
        self._in_period[fact.cassette_period] += fact.value_minor
        self.booked_minor += fact.value_minor

    def _payment_completed(self, fact: f.PaymentCompleted) -> None:
        number = fact.receipt_number
        require(number not in self._completed, RECEIPTS, f"{number} is given twice")
        at = int(number.rpartition("-")[2])
        require(at == len(self._completed) + 1, RECEIPTS, f"{number} follows {len(self._completed)}")
        self._completed[number] = fact
        cards = sum(card.amount_minor for card in fact.cards if card.leg == "bill")
        checks = sum(check.amount_minor for check in fact.checks)
        notes = sum(note.value_minor for note in fact.notes) + cards + checks - fact.change_minor
        lines = sum(line.amount_minor for line in fact.lines)
        paid = notes == lines == fact.total_minor >= 0 and fact.total_minor + fact.fee_minor > 0  # a fee may come late
        require(paid, EVIDENCE, f"{number}: {notes}, {lines}, {fact.total_minor}")
        for note in fact.notes:
            stacked = self._stacked.get(note.note_id)
            known = stacked is not None and note.note_id in self._uncredited
            require(known, EVIDENCE, f"{number} lists {note.note_id}, which is not there to be listed")
            assert stacked is not None
            same = (stacked.payment_id, stacked.value_minor) == (fact.payment_id, note.value_minor)
            require(same, EVIDENCE, f"{number} lists {note.note_id} of another payment or sum")
            self._uncredited.remove(note.note_id)

    # The slot

    def told_to_stack(self, value_minor: int) -> None:
        """STACK went over the line for the note in escrow."""
        note = self.books.note
        require(note is not None, REQUESTED, "STACK is on the wire and no request is on disk")
        assert note is not None
        require(note.value_minor == value_minor, REQUESTED, f"asked for {note.value_minor}, stacked {value_minor}")

    def told_that_known(self) -> None:
        """The host let the device forget a stacked report."""
        if self.toggle_kept:
            require(self.books.note is None, KNOWN, f"{self.books.note} is still open on disk")

    # What people see

    def ordered(self, command: commands.Command, state: State) -> None:
        if isinstance(command, commands.LookUp):
            for name in {command.reference.number, command.reference.scan} - {""}:
                self._presented[name] = state.books.session_id
            require(state.books.session_id, PRIVACY, "an account is looked up for nobody")

    def shown(self, picture: Snapshot) -> None:
        payment = self.books.payment
        if self.world.checks is not None:
            self.world.checks.shown(picture)
        if picture.payment is not None:
            paid = payment.in_minor if payment else 0
            require(picture.payment.in_minor == paid, SCREEN, f"{picture.payment.in_minor} for {paid} on disk")
        if picture.screen in ("attract", "out_of_service", "starting"):
            left = (picture.account, picture.payment, picture.receipt, picture.agreed_minor, picture.entry)
            require(left == (None, None, None, 0, ""), PRIVACY, f"{picture.screen} shows {left}")
        if picture.account is not None:
            asked = {name for name, session in self._presented.items() if session == self.books.session_id}
            house = self.world.household_of(picture.account.ref)
            owns = {house.number, house.scan} & asked
            require(owns, PRIVACY, f"{picture.screen} shows {house.number}, this session asked for {asked}")

    def printed(self, job: str, paper: Document) -> None:
        """A receipt, a slip or a ticket came out of the printer."""
        number, _, kind = job.partition("/")
        if number == "ticket":
            return
        if kind == "incident":
            self.world.card_watch.incident(number, paper)
            return
        if kind in SLIPS:
            self.world.refunds.printed(number, kind, paper)
            return
        done, claim = self._completed.get(number), self._claims.get(number)
        require(done or claim, PAPER, f"{number} is on paper and not on disk")
        words = [item.text for item in paper if isinstance(item, Text)]
        figures = [item.right for item in paper if isinstance(item, Columns)]
        require(any(number in word for word in (*words, *figures)), PAPER, f"{number} is not on its paper")
        if done is None:
            return
        total_minor = done.total_minor + done.fee_minor
        require(format_minor(total_minor) in figures, PAPER, f"{number}: {total_minor} in {figures}")
        if kind == "receipt":
            self._on_paper[number] += 1
            require(self._on_paper[number] == 1, PAPER, f"{number} came out twice and does not say so")

    # After every step, and at rest

    def after_step(self) -> None:
        slot, host = self.world.slot, self.world.host
        open_minor = self.books.note.value_minor if self.books.note else 0
        held, booked = slot.total_minor, self.booked_minor
        require(booked <= held, CASSETTE, f"{booked} booked, {held} in the cassette")
        most = booked + self.doubtful_minor + open_minor
        require(held <= most, CASSETTE, f"{held} in the cassette, {booked} booked, {most} with doubts")
        if host is not None and host.engine is not None:
            require(host.engine.state.books == self.books, FOLD, f"{host.engine.state.books} != {self.books}")
        self._change()
        self._owners()
        self.world.card_watch.step()
        self.world.day_end.step()
        self.world.refunds.step()
        if self.world.checks is not None:
            self.world.checks.step()
        self.audit.step()

    def _change(self) -> None:
        """No note is booked that did not come out; none comes out that was not ordered on record."""
        out, payout = self.world.slot.acceptor.given_minor(), self.books.payout
        require(self.given_minor <= out, CHANGE, f"{self.given_minor} booked, {out} came out")
        open_minor = payout.amount_minor - payout.paid_minor if payout else 0
        most = self.given_minor + open_minor + self.given_doubt_minor
        require(out <= most, CHANGE, f"{out} came out, {most} booked or ordered")

    def _owners(self) -> None:
        """Each credit is one of the notes that were put in while its payment stood open."""
        if len(self._stacked) == self._matched:
            return
        self._matched = len(self._stacked)
        credited = Counter((fact.payment_id, fact.value_minor) for fact in self._stacked.values())
        put_in = Counter((note.payment_id, note.value_minor) for note in self.world.slot.stacked)
        wrong = credited - put_in
        require(not wrong, OWNER, f"credited and not put in by that payment's person: {dict(wrong)}")

    def at_rest(self) -> None:
        """The faults are over, everything was repaired, and time has passed."""
        self.after_step()
        books, host = self.books, self.world.host
        require(not books.frozen, SERVED, f"frozen: {books.frozen}")
        picture = host.picture if host else None
        require(picture is not None and picture.screen == "attract" and picture.cash, SERVED, f"{picture}")
        require(books.note is None and books.payment is None, PATH, f"{books.note}, {books.payment}")
        require(not books.unprinted, PATH, f"{books.unprinted}")
        claimed = {note.note_id for claim in self._claims.values() for note in claim.notes}
        require(self._doubts.keys() <= claimed, CLAIMED, f"{self._doubts.keys() - claimed} are claimed by nobody")
        require(not self._uncredited, EVIDENCE, f"{self._uncredited} are in no payment")
        require(self.world.central.head_seq == len(self.entries), POSTED, f"{self.world.central.head_seq}")
        self.world.slot.check()
        self.world.card_watch.at_rest()
        self.world.day_end.at_rest()
        self.world.refunds.at_rest()
        if self.world.checks is not None:
            self.world.checks.at_rest()
