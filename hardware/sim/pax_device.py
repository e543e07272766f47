"""The twin of a PAX terminal: what it does with cards, its host and its batch, not how bytes travel.

Driven by `step(dt_ms)`; it owns no clock and no thread. Written from the protocol sheet alone (sections 5 to 11 and 14)
and from nothing of the host's code. A request is a list of groups, a group a list of sub-fields; so is an answer.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from hardware.sim.control import Refused
from hardware.sim.pax_parts import MOMENTS, RESULTS, TEST_CARD, WITHOUT_CARD, Memory, Plan, Record, Settings

Groups = list[list[str]]
Reply = Callable[[Groups], None]

QUESTIONS = ("A00", "A78", "R02", "R00", "A10", "A12", "A16")
START_STAMP = 20260110101500


@dataclass
class Job:
    """The transaction under way. `stage` is card or host, `left_ms` what is left of it."""

    kind: str
    reference: str
    amount_minor: int
    reply: Reply
    plan: Plan
    stage: str = "card"
    left_ms: int = 0
    sale: Record | None = None  # of a void or refund


class Terminal:
    """The behaviour."""

    def __init__(self, settings: Settings | None = None, memory: Memory | None = None) -> None:
        self.settings = settings or Settings()
        self.memory = memory or Memory()
        self.powered = False
        self.held = False  # everything stands still
        self.armed: dict[str, str] = {}  # moment to what happens then
        self.plans: deque[Plan] = deque()
        self.screen: tuple[str, ...] = ()
        self.restarts = 0
        self._job: Job | None = None
        self._starting_ms = 0

    # Power and time

    def power_on(self) -> None:
        if self.powered:
            raise Refused("it is on")
        self.powered, self._starting_ms = True, self.settings.start_ms
        self.restarts += 1
        self.screen = ()

    def power_cut(self) -> None:
        """What its host approved and the batch does not have yet is reversed: no money of it is left."""
        self.powered, self._job = False, None

    def step(self, dt_ms: int) -> None:
        """Let `dt_ms` pass."""
        if not self.powered or self.held:
            return
        self._starting_ms = max(0, self._starting_ms - dt_ms)
        job = self._job
        while job is not None and self._job is job and dt_ms >= job.left_ms:
            dt_ms -= job.left_ms
            self._proceed(job)
        if job is not None and self._job is job:
            job.left_ms -= dt_ms

    @property
    def ready(self) -> bool:
        return self.powered and not self._starting_ms and not self.held

    @property
    def busy(self) -> bool:
        return self._job is not None

    def state(self) -> str:
        """Return one word for what it is doing."""
        if not self.powered:
            return "off"
        if self._starting_ms:
            return "starting"
        return self._job.stage if self._job else "idle"

    # The customer

    def present(self, plan: Plan) -> None:
        """Say what the next customer does; the one who stands there, if nobody has done anything yet."""
        if plan.result not in RESULTS:
            raise Refused(f"no customer does {plan.result!r}; there are {', '.join(RESULTS)}")
        if self._job is not None and self._job.stage == "card" and self._job.kind == "01":
            self._job.plan, self._job.left_ms = plan, self._card_ms(plan)
        else:
            self.plans.append(plan)

    def arm(self, act: str, when: str) -> None:
        """Let `act` (power_cut) happen by itself at the moment `when`."""
        if act != "power_cut" or when not in MOMENTS:
            raise Refused(f"cannot arm {act!r} at {when!r}; moments: {', '.join(MOMENTS)}")
        self.armed[when] = act

    def _moment(self, name: str) -> bool:
        if self.armed.pop(name, ""):
            self.power_cut()
        return self.powered

    # Requests

    def takes(self, command: str) -> bool:
        """Whether it takes this command now; what it does not take gets no answer of its own."""
        return not self.busy or (self.settings.busy == "answers" and command in QUESTIONS)

    def request(self, groups: Groups, reply: Reply) -> None:
        """Carry out a request that it takes; `reply` gets the answer, now or later."""
        command = groups[0][0]
        if len(groups) < 2 or not groups[1][0]:
            reply(self._answer(command, "100003", "NO PROTOCOL VERSION"))
            return
        acts: dict[str, Callable[[Groups], Groups]] = {
            "A00": lambda fields: self._identity(),
            "A10": self._show,
            "A12": lambda fields: self._clear("A12"),
            "A16": lambda fields: self._clear("A16"),
            "A78": lambda fields: self._answer("A78", "000000", "OK", [["3" if self._stores else "0"], *[[""]] * 9]),
            "B00": self._close,
            "R02": self._detail,
        }
        if command == "T00":
            self._transact(groups, reply)
        elif command in acts:
            reply(acts[command](groups[2:]))
        else:
            reply(self._answer(command, "100027", "UNSUPPORTED COMMAND"))

    def cancel(self) -> None:
        """A14: it ends a wait for a card. What the host is asked already goes on."""
        job = self._job
        if job is not None and job.kind == "01" and (job.stage == "card" or self.settings.cancels_host):
            self._finish(job, "100002", "ABORTED", "")

    @property
    def _stores(self) -> bool:
        return self.settings.store_and_forward

    # Transactions

    def _transact(self, groups: Groups, reply: Reply) -> None:
        fields = groups[2:] + [[""]] * 12
        kind, trace = fields[0][0], fields[3] + [""] * 5
        reference, number = trace[0], trace[3]
        if len(reference) > 16 or not reference:
            return reply(self._answer("T00", "100003", "REFERENCE INVALID"))
        known = self._by_reference(reference)
        if known and self.settings.duplicates == "reference":
            return reply(self._told("T00", "100011", "DUP TRANSACTION", known))
        plan = self.plans.popleft() if kind == "01" and self.plans else Plan(self.settings.default)
        job = Job(kind, reference, 0, reply, plan)
        if kind in ("16", "17"):
            return self._begin_void(job, number, fields[8])
        if kind not in ("01", "02") or not fields[1][0].isdecimal() or not int(fields[1][0]):
            return reply(self._answer("T00", "100003", "AMOUNT INVALID"))
        job.amount_minor = int(fields[1][0])
        if kind == "02":
            job.stage, job.left_ms, job.plan = "host", self.settings.void_ms, Plan(self.settings.returns)
        else:
            job.left_ms = self._card_ms(plan)
        self._job = job
        self._moment("card")
        return None

    def _card_ms(self, plan: Plan) -> int:
        if plan.result in ("walk_away", "nobody"):
            return self.settings.card_wait_ms
        return self.settings.card_ms if plan.card_ms is None else plan.card_ms

    def _begin_void(self, job: Job, number: str, extended: list[str]) -> None:
        host_reference = next((text[5:] for text in extended if text.upper().startswith("HREF=")), "")
        sale = next(
            (
                record
                for record in self.memory.records
                if record.kind in ("01", "16") and host_reference in ("", self._host_reference(record))
                if number in ("", str(record.number)) and not record.original
            ),
            None,
        )
        if sale is None or not (number or host_reference):
            return job.reply(self._answer("T00", "100023", "NOT FOUND"))
        if sale.voided:
            return job.reply(self._told("T00", "100021", "ALREADY VOIDED", sale))
        job.sale, job.amount_minor = sale, sale.amount_minor
        job.stage, job.left_ms = "host", self.settings.void_ms
        self._job = job
        return None

    def _proceed(self, job: Job) -> None:
        if job.stage == "card":
            if job.plan.result in (*WITHOUT_CARD, "nobody"):
                code, message, host_code, _ = RESULTS["cancel" if job.plan.result == "cancel" else "walk_away"]
                self._finish(job, code, message, host_code)
                return
            job.stage = "host"
            job.left_ms = self.settings.host_ms if job.plan.host_ms is None else job.plan.host_ms
            self._moment("host")
            return
        if job.kind in ("16", "17"):
            self._void(job)
        else:
            self._conclude(job)

    def _conclude(self, job: Job) -> None:
        code, message, host_code, moves = RESULTS[job.plan.result]
        if not moves:
            self._finish(job, code, message, host_code)
            return
        first = next((each for each in self.memory.standing() if each.amount_minor == job.amount_minor), None)
        if first and job.kind == "01" and self.settings.duplicates == "card":
            self._job = None
            job.reply(self._told("T00", "100011", "DUP TRANSACTION", first))
            return
        amount_minor = min(job.plan.part_minor or job.amount_minor, job.amount_minor)
        record = self._book(job, job.kind, amount_minor)
        self.memory.made += job.kind == "01"
        if not self._moment("booked"):
            return
        self._job = None
        told = code if amount_minor == job.amount_minor or code == "100009" else "000002"
        if code == "100009":
            job.reply(self._answer("T00", code, message))
        else:
            due = job.amount_minor - amount_minor
            job.reply(self._told("T00", told, message, record, host_code, due, job.plan.result == "leak"))

    def _void(self, job: Job) -> None:
        sale = job.sale
        assert sale is not None
        sale.voided = True
        if self.settings.void_record == "replaces":
            sale.kind, sale.original = job.kind, ""
            record = sale
        else:
            record = self._book(job, job.kind, sale.amount_minor)
            record.number, record.original = sale.number, "01"
        if not self._moment("booked"):
            return
        self._job = None
        job.reply(self._told("T00", "000000", "OK", record, reference=job.reference))

    def _book(self, job: Job, kind: str, amount_minor: int) -> Record:
        memory = self.memory
        memory.number += 1
        stamp = str(START_STAMP + memory.number)
        record = Record(memory.number, job.reference, kind, amount_minor, "", False, memory.number, "", stamp)
        record.approval = f"{100_000 + memory.number * 137:06d}"
        memory.records.append(record)
        return record

    def _finish(self, job: Job, code: str, message: str, host_code: str) -> None:
        """It ends without money. A decline names the transaction; what ended before the host was asked does not."""
        self._job = None
        if not host_code:
            job.reply(self._answer("T00", code, message))
            return
        reference = job.reference if self.settings.echoes else ""
        none = Record(0, reference, job.kind, 0, stamp=str(START_STAMP))
        job.reply(self._told("T00", code, message, none, host_code))

    # Answers

    def _answer(self, command: str, code: str, message: str, groups: Groups | None = None) -> Groups:
        number = f"{command[0]}{int(command[1:]) + 1:02d}" if command[1:].isdecimal() else command
        return [["0"], [number], [self.settings.version], [code], [message], *(groups or [])]

    def _told(
        self,
        command: str,
        code: str,
        message: str,
        record: Record,
        host_code: str = "00",
        due_minor: int = 0,
        leak: bool = False,
        reference: str | None = None,
    ) -> Groups:
        trace = [str(record.number or ""), record.reference if reference is None else reference, record.stamp]
        groups = [
            self._host(record, host_code),
            [record.kind],
            [str(record.amount_minor), str(due_minor), "0", "0", "0", "0", "", ""],
            self._account(leak),
            trace,
            *([[""]] * 3),
            self._extended(record, leak),
        ]
        text = f"{message} {TEST_CARD}" if leak else message
        return self._answer(command, code, text, groups)

    def _host(self, record: Record, host_code: str) -> list[str]:
        text = "APPROVAL" if host_code in ("00", "10") else "DECLINE"
        return [
            host_code,
            text,
            record.approval,
            self._host_reference(record),
            str(record.trace),
            str(self.memory.batch),
        ]

    @staticmethod
    def _host_reference(record: Record) -> str:
        return f"4108{record.number:08d}"

    @staticmethod
    def _account(leak: bool) -> list[str]:
        shown = TEST_CARD if leak else TEST_CARD[-4:]
        name = "DOE/JANE" if leak else ""
        return [shown, "4", "1227", "", "", "", "01", name, "", "", "0"]

    @staticmethod
    def _extended(record: Record, leak: bool) -> list[str]:
        keys = [f"HREF={Terminal._host_reference(record)}", "TVR=0000008000", "AID=A0000000031010", "TSI=E800"]
        keys += [f"ATC={record.number:04X}", "APPLAB=VISA CREDIT", "CVM=7", "ARC=00", "TC=0E528F1E71BB8EA6"]
        return [
            *keys,
            *([f"CARDBIN={TEST_CARD[:6]}", f"PAN={TEST_CARD}", f"TRACK2={TEST_CARD}=2712101"] if leak else []),
        ]

    # The rest

    def _identity(self) -> Groups:
        texts = [self.settings.serial, "IM30", "V1.0", "0C9A42000001", "8", "21", "", "1", "", "1", ""]
        return self._answer("A00", "000000", "OK", [[text] for text in texts])

    def _show(self, fields: Groups) -> Groups:
        texts = [group[0] for group in fields]
        self.screen = tuple(text for text in (*texts[:1], *texts[2:3]) if text)
        return self._answer("A10", "000000", "OK")

    def _clear(self, command: str) -> Groups:
        self.screen = ()
        return self._answer(command, "000000", "OK")

    def _close(self, fields: Groups) -> Groups:
        memory = self.memory
        sales = [record for record in memory.records if record.kind == "01" and not record.voided]
        total_minor = sum(record.amount_minor for record in sales)
        zeros = "=0" * 6
        stamp = fields[0][0] if fields and fields[0][0] else str(START_STAMP)
        groups = [
            ["0", "_ACCEPTED", "", "", "", str(memory.batch)],
            [f"{len(sales)}{zeros}"],
            [f"{total_minor}{zeros}"],
        ]
        memory.settled += memory.records
        memory.records = []
        memory.batch += 1
        memory.wiped += 1
        return self._answer("B00", "000000", "OK", [*groups, [stamp], ["5827485"], ["777700889765"]])

    def _by_reference(self, reference: str) -> Record | None:
        return next((record for record in self.memory.records if record.reference == reference), None)

    def _detail(self, fields: Groups) -> Groups:
        """R02: every key given must fit; the record number counts among those that do."""
        keys = [group[0] for group in fields] + [""] * 8
        kind, record_number, number, approval, reference = keys[1], keys[3], keys[4], keys[5], keys[6]
        fits = [
            record
            for record in self.memory.records
            if kind in ("", record.kind)
            and number in ("", str(record.number))
            and approval in ("", record.approval)
            and reference in ("", record.reference)
        ]
        at = int(record_number) if record_number.isdecimal() else 0
        if at >= len(fits):
            return self._answer("R02", "100023", "NOT FOUND")
        record = fits[at]
        groups = [
            [str(len(fits))],
            [str(at)],
            self._host(record, "00"),
            ["01"],
            [record.kind],
            [record.original],
            [str(record.amount_minor), "0", "0", "0", "0", "0", "", ""],
            self._account(False),
            [str(record.number), record.reference, record.stamp],
            [""],
            [""],
            [""],
            self._extended(record, False),
        ]
        return self._answer("R02", "000000", "OK", groups)
