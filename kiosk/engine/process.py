"""The engine process: wires journal, brain, devices and links, runs the loop, ends it well (rules 4, 11 and 13)."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType

import structlog

from kiosk.brain import events
from kiosk.brain.state import Scene, State
from kiosk.config.load import absent_devices
from kiosk.config.model import Config
from kiosk.engine.acceptor_port import AcceptorPort
from kiosk.engine.card_port import CardPort
from kiosk.engine.check_port import CheckPort
from kiosk.engine.city import JOURNAL_NAME, City, session_for
from kiosk.engine.clock import SystemClock
from kiosk.engine.closed import GOES_ON, run_closed
from kiosk.engine.desk import ControlDesk, ReaderDesk, ScreenDesk
from kiosk.engine.engine import Engine
from kiosk.engine.guard import CrashGuard
from kiosk.engine.hands import KioskHands
from kiosk.engine.history import History, believes, read_history
from kiosk.engine.identity import Identity, NotEnrolled, identity, settings_of, unknown, unknown_because
from kiosk.engine.inbox import Inbox
from kiosk.engine.papers import Papers
from kiosk.engine.printing import PrintRoom
from kiosk.engine.refill import Refill
from kiosk.engine.storage import Limits, Mended, Storage, probe, room_at, unfit
from kiosk.engine.upkeep import Upkeep
from kiosk.engine.watchdog import Watchdog
from kiosk.journal.chain import Expectation
from kiosk.journal.errors import JournalDamaged, JournalInUse, JournalUnwritable
from kiosk.journal.reading import NoJournal, ReadJournal
from kiosk.journal.store import Journal
from kiosk.posting.client import CentralServer
from kiosk.scanning.library import load as load_profiles

log = structlog.get_logger()

CRASHED = 70  # EX_SOFTWARE
WATCH_MORE_MS = 5_000  # over two heartbeats: how long one may take on its way
SWITCH_INTERVAL_S = 0.0005  # a decision about a note must not wait 5 ms for another thread's bytecode


@dataclass(frozen=True)
class Options:
    """`ui` none: no screen is expected. `control`: a socket for intents, refused in production.

    `capture`: a file for what goes over the acceptor's line, for technicians and measurements. `failpoint`: where a
    test wants this process to die or dawdle (failpoint.py), refused in production.
    """

    ui: str = "window"
    control: Path | None = None
    capture: Path | None = None
    failpoint: str = ""


def run_engine(config: Config, options: Options) -> int:
    """Run until stopped. Returns the exit code; bugs and unwritable journals raise, and systemd starts us again."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    prepare(config)
    watchdog = Watchdog()
    watchdog.ready("starting")  # READY before the devices are asked, which may take long
    try:
        who = identity(config)
    except (NotEnrolled, OSError) as error:
        log.error("no key or no enrolment (kiosk enrol), no money is taken", reason=str(error))
        clock, look = SystemClock(config.kiosk.time_zone), partial(unknown, config)
        return _run_refused(config, options.ui, unknown_because(error), look, clock, watchdog, Inbox(), None)
    clock = SystemClock(who.enrolment.time_zone or config.kiosk.time_zone, config.kiosk.trust_clock)
    return _run(config, options, who, clock, watchdog)


def _run(config: Config, options: Options, who: Identity, clock: SystemClock, watchdog: Watchdog) -> int:
    """Take payments, or say why none are taken."""
    guard = CrashGuard(config.state_dir / "starts.json", clock.boot_id)
    crashing = guard.started(clock.mono_ms())
    inbox = Inbox()
    server = CentralServer(config.server.url, who.enrolment, who.key, session=session_for(config))
    city_of = partial(City, config, who.enrolment.epoch, server=server, clock=clock, inbox=inbox)
    try:
        with watchdog.patient() as gets_on:
            journal = open_journal(config, who, gets_on)
    except JournalDamaged as error:
        log.error("journal damaged, no money is taken", reason=str(error))
        return run_closed(config, options.ui, "journal_damaged", clock, watchdog, inbox, city_of(journal=NoJournal()))
    except JournalUnwritable as error:
        log.error("journal cannot be written to, no money is taken", reason=error.reason, detail=str(error))
        with watchdog.patient():
            city = city_of(journal=journal_to_read(config, who))
        look = partial(unfit, config.state_dir, config.allow_volatile_state)
        code = _run_refused(config, options.ui, error.reason, look, clock, watchdog, inbox, city)
        guard.ended_well()
        return code
    except JournalInUse as error:
        log.error("another process has the journal open", reason=str(error))
        return 1
    city = city_of(journal=journal)
    if crashing:
        log.error("three crashes in ten minutes, no money is taken")
        return run_closed(config, options.ui, "crash_loop", clock, watchdog, inbox, city)
    refill = Refill(journal, server, clock, config.state_dir, round(config.server.heartbeat_s * 2_000) + WATCH_MORE_MS)
    if not refill.step():
        code = run_closed(config, options.ui, "refilling", clock, watchdog, inbox, None, refill.step)
        if code != GOES_ON:
            journal.close()
            guard.ended_well()
            return code
    try:
        with watchdog.patient() as gets_on:
            history = read_history(journal, gets_on)
    except JournalDamaged as error:
        log.error("the archive of pruned records is needed and cannot be read, no money is taken", reason=str(error))
        return run_closed(config, options.ui, "journal_damaged", clock, watchdog, inbox, city)
    code = _serve(config, options, who, journal, history, clock, inbox, city, watchdog)
    guard.ended_well()
    return code


def _run_refused(
    config: Config,
    ui: str,
    reason: str,
    look: Callable[[], str],
    clock: SystemClock,
    watchdog: Watchdog,
    inbox: Inbox,
    city: City | None,
) -> int:
    """Say why no record can be kept. Ends well when `look` finds another reason or none: a new start comes then."""
    mended = Mended(look, reason, round(config.storage.look_again_s * 1000), clock.mono_ms)
    code = run_closed(config, ui, reason, clock, watchdog, inbox, city, mended)
    return 0 if code == GOES_ON else code


def prepare(config: Config) -> None:
    """Make the directories of the sockets, and warn of devices that are not there.

    A cable that is out at boot must not keep the kiosk down: its driver goes on asking for the port.
    """
    for socket in (config.control_socket, config.screen_socket, config.reader_socket):
        socket.parent.mkdir(parents=True, exist_ok=True)
    for line in absent_devices(asdict(config)):
        log.warning("device not there", device=line)


def open_journal(config: Config, who: Identity, gets_on: Callable[[], None]) -> Journal:
    """Open the journal, or raise JournalUnwritable for a medium that would refuse the first record."""
    reason = unfit(config.state_dir, config.allow_volatile_state)
    if reason:
        raise JournalUnwritable(f"{config.state_dir} takes no records", reason)
    enrolment = who.enrolment
    return Journal.open(
        config.state_dir / JOURNAL_NAME,
        key=who.key,
        kiosk_id=enrolment.kiosk_id,
        epoch=enrolment.epoch,
        nonce=enrolment.nonce,
        server_key=enrolment.pinned_server_key(),
        allow_volatile=config.allow_volatile_state,
        believe=believes,
        beat=gets_on,
    )


def journal_to_read(config: Config, who: Identity) -> ReadJournal | NoJournal:
    """Return what is in the journal, for posting, as far as its medium still gives it."""
    enrolment = who.enrolment
    expect = Expectation(enrolment.kiosk_id, enrolment.epoch, enrolment.nonce)
    path = config.state_dir / JOURNAL_NAME
    try:
        return ReadJournal.open(path, expect, who.key.public_key(), enrolment.pinned_server_key())
    except (JournalDamaged, OSError) as error:
        log.error("the journal cannot be read either", reason=str(error))
        return NoJournal()


def _serve(
    config: Config,
    options: Options,
    who: Identity,
    journal: Journal,
    history: History,
    clock: SystemClock,
    inbox: Inbox,
    city: City,
    watchdog: Watchdog,
) -> int:
    if history.last_time:
        clock.not_before(history.last_time)
    settings = settings_of(config, who.enrolment)
    acceptor = AcceptorPort(config.acceptor, settings.currency, config.run_dir, inbox, options.capture)
    terminal = CardPort(config.card, settings.currency, config.state_dir, inbox) if config.card else None
    check_reader = CheckPort(config.check_reader, inbox) if config.check_reader else None
    printer = PrintRoom(config.printer, inbox)
    hands = KioskHands(
        inbox=inbox,
        clock=clock,
        acceptor=acceptor,
        printer=printer,
        papers=Papers(config, who.enrolment.kiosk_id, who.enrolment.epoch, who.enrolment.time_zone),
        city=city,
        screen=ScreenDesk(config.screen_socket, inbox, clock.mono_ms, options.ui != "none"),
        reader=ReaderDesk(config.reader_socket, inbox, load_profiles(config.reader.profiles)),
        staff=config.staff,
        watchdog=watchdog,
        control=_control(config, options, inbox, journal),
        period_opened_seq=history.period_opened_seq,
        terminal=terminal,
        check_reader=check_reader,
        journal=journal,
    )
    if hands.control is not None:
        hands.screen.relay = hands.control.relay
    state = State(settings, history.books, Scene(language=settings.language))
    upkeep = Upkeep(journal, history, retention_days=config.journal.retention_days)
    engine = _engine(options.failpoint, state, journal, clock, inbox, hands, upkeep, config)
    _stop_on_signal(inbox)
    ports = [port for port in (terminal, check_reader) if port is not None]
    threads = [acceptor.thread, printer.thread, *(port.thread for port in ports)]
    for thread in threads:
        thread.start()
    city.start(engine)
    watchdog.ready("taking payments")
    engine.run("boot" if journal.head.seq == 0 else "restart")
    watchdog.stopping()
    acceptor.stop()
    printer.stop()
    for port in ports:
        port.stop()
    city.stop()
    for thread in threads:
        thread.join(timeout=10)
    for desk in (hands.screen, hands.reader, hands.control):
        if desk is not None:
            desk.close()
    journal.close()
    return 0


def storage_of(config: Config, synced: Callable[[], None] = lambda: None) -> Storage:
    """`synced` is called after each sync of a probe."""
    folder, limits = config.state_dir, config.storage

    def write() -> None:
        probe(folder)
        synced()

    in_bytes = Limits(limits.warn_free_mb * 1_000_000, limits.refuse_free_mb * 1_000_000, limits.slow_ms)
    return Storage(partial(room_at, folder), write, in_bytes)


def _engine(
    failpoint: str,
    state: State,
    journal: Journal,
    clock: SystemClock,
    inbox: Inbox,
    hands: KioskHands,
    upkeep: Upkeep,
    config: Config,
) -> Engine:
    if not failpoint:
        return Engine(state, journal, clock, inbox, hands, upkeep, storage_of(config))
    from kiosk.engine.failpoint import Failpoints  # never loaded in a lobby

    log.warning("failpoints are on, for a test", failpoint=failpoint)
    failpoints = Failpoints(failpoint)
    storage = storage_of(config, partial(failpoints.reached, "journal.sync"))
    return Engine(state, failpoints.journal(journal), clock, inbox, failpoints.hands(hands), upkeep, storage)


def _control(config: Config, options: Options, inbox: Inbox, journal: Journal) -> ControlDesk:
    path = options.control or config.control_socket
    return ControlDesk(path, inbox, journal, intents=not config.production)


def _stop_on_signal(inbox: Inbox) -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        inbox.tell(events.StopRequested)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def die_on_failure() -> None:
    """A dead thread ends the process (rule 11), the first one too, which else would wait for the others for ever."""

    def end(args: threading.ExceptHookArgs) -> None:
        log.critical("thread died", thread=getattr(args.thread, "name", ""), error=repr(args.exc_value))
        sys.__excepthook__(args.exc_type, args.exc_value or RuntimeError(), args.exc_traceback)
        os._exit(CRASHED)

    def end_first(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        os._exit(CRASHED)

    threading.excepthook = end
    sys.excepthook = end_first
