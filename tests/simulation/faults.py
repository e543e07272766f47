"""What goes wrong in a world: a list drawn from the seed, so that a failing world can be tried with fewer of them."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hardware.sim.ssp_parts import PAYOUT_FAILURES
from tests.simulation.checks import break_reader
from tests.simulation.residents import collect
from tests.simulation.timeline import Life

if TYPE_CHECKING:
    from tests.simulation.world import World

DAY_MS = 86_400_000
YEARS_10_MS = 3_652 * DAY_MS
PATIENCE_MS = 60_000
LOOK_MS = 50
QUIET_MS = 7_000
CARD_SHARE = 6  # how much more often than others each fault of a terminal happens, where there is one
SOON = (0, 1, 1, 2, 2, 2, 3, 3, 4, 6, 9, 13)  # moments; a report is heard, committed and acknowledged in four


@dataclass(frozen=True)
class Fault:
    """`kind` happens `at_ms`, or as soon after as `when` has come; `seed` draws its particulars."""

    at_ms: int
    kind: str
    when: str
    seed: int

    def __str__(self) -> str:
        return f"{self.at_ms / 1000:.1f} s: {self.kind}{self.when and ', ' + self.when} ({self.seed})"


def draw(chance: random.Random, horizon_ms: int, cards: bool = False) -> list[Fault]:
    """Return the faults of a world, none in one of eight, in order."""
    count = chance.choice((0, 1, 2, 3, 4, 6, 8, 12))
    kinds = (*KINDS, *(tuple(_CARD_ACTS) * CARD_SHARE)) if cards else KINDS
    drawn = []
    for _ in range(count):
        at_ms, kind = chance.randrange(horizon_ms), chance.choice(kinds)
        whens = OFTEN_CARD if kind in _CARD_ACTS else (*OFTEN, *OFTEN_CARD[1:]) if cards else OFTEN
        drawn.append(Fault(at_ms, kind, chance.choice(whens), chance.randrange(1 << 30)))
    return sorted(drawn, key=lambda fault: (fault.at_ms, fault.seed))


def draw_besides(world: "World", horizon_ms: int) -> list[Fault]:
    """Return what goes wrong besides with what only some worlds have. Each comes from a chance of its own."""
    drawn: list[Fault] = []
    if world.till is not None and world.till.undoing:
        drawn += draw_undoing(world.chance_of("faults of undoing"), horizon_ms)
    if world.till is not None:
        drawn += draw_approvals(world.chance_of("faults at an approval"), horizon_ms)
    if world.day_end.at:
        drawn += draw_day_end(world.chance_of("faults at the day end"), horizon_ms)
    if world.refunds.visits:
        drawn += draw_refunds(world.chance_of("faults at a refund"), horizon_ms)
    if world.checks is not None:
        drawn += draw_checks(world.chance_of("faults of checks"), horizon_ms)
    if world.slot.acceptor.recycles:
        drawn += draw_change(world.chance_of("faults at change"), horizon_ms)
    return drawn


def draw_change(chance: random.Random, horizon_ms: int) -> list[Fault]:
    """Return what goes wrong besides, in a world whose acceptor gives change: mostly while it does."""
    kinds = ("change fails", "change fails", "change fails", *_GIVING_ACTS)
    count = chance.choice((0, 1, 2, 3, 4))
    return [
        Fault(chance.randrange(horizon_ms), chance.choice(kinds), GIVING, chance.randrange(1 << 30))
        for _ in range(count)
    ]


def draw_undoing(chance: random.Random, horizon_ms: int) -> list[Fault]:
    """Return what goes wrong besides, in a world where many sales are undone, while one is."""
    kinds = (*_CARD_ACTS, *_CARD_ACTS, "process dies", "power cut")
    count = chance.choice((0, 1, 2, 4, 6))
    return [
        Fault(chance.randrange(horizon_ms), chance.choice(kinds), UNDONE, chance.randrange(1 << 30))
        for _ in range(count)
    ]


def draw_approvals(chance: random.Random, horizon_ms: int) -> list[Fault]:
    """Return what goes wrong besides with a terminal: while it says that a card paid, and in what it says."""
    kinds = (*_APPROVAL_ACTS, "terminal's answers are damaged", "terminal's answers are damaged")
    count = chance.choice((0, 0, 1, 2, 3))
    return [
        Fault(chance.randrange(horizon_ms), chance.choice(kinds), "", chance.randrange(1 << 30)) for _ in range(count)
    ]


def draw_day_end(chance: random.Random, horizon_ms: int) -> list[Fault]:
    """Return what goes wrong besides, in a world where the terminal's batch is closed, while it is."""
    count = chance.choice((0, 1, 1, 2, 3))
    return [
        Fault(chance.randrange(horizon_ms), chance.choice(tuple(_DAY_END_ACTS)), "", chance.randrange(1 << 30))
        for _ in range(count)
    ]


def draw_refunds(chance: random.Random, horizon_ms: int) -> list[Fault]:
    """Return what goes wrong besides, in a world where staff refund cards, while one is refunded. It waits for one."""
    count = chance.choice((0, 1, 1, 2, 3, 4))
    return [
        Fault(chance.randrange(horizon_ms // 2), chance.choice(tuple(_REFUND_ACTS)), "", chance.randrange(1 << 30))
        for _ in range(count)
    ]


def draw_checks(chance: random.Random, horizon_ms: int) -> list[Fault]:
    """Return what goes wrong besides, in a world whose kiosk takes checks, mostly while one is at the slot."""
    kinds = ("check reader", "check reader", "process dies", "process dies soon", "power cut", "cassette collected")
    count = chance.choice((0, 1, 2, 3, 4))
    return [
        Fault(
            chance.randrange(horizon_ms),
            chance.choice(kinds),
            chance.choice(("", AT_SLOT, AT_SLOT, "with a check on the page")),
            chance.randrange(1 << 30),
        )
        for _ in range(count)
    ]


def happen(world: "World", fault: Fault) -> Life:
    """Wait for the fault's time, and let it happen."""
    yield fault.at_ms
    waited = 0
    while not _COME[fault.when](world) and waited < PATIENCE_MS:
        waited += LOOK_MS
        yield LOOK_MS
    if world.repaired:
        return
    world.trace(f"** {fault.kind}")
    (_ACTS | _CARD_ACTS | _BESIDES)[fault.kind](world, random.Random(fault.seed))


# Host


def _dies(world: "World", chance: random.Random) -> None:
    """The process dies at one of its next moments."""
    world.doom(chance.choice(SOON), power=False)


def _dies_soon(world: "World", chance: random.Random) -> None:
    world.doom(chance.randrange(120), power=False)


def _power(world: "World", chance: random.Random) -> None:
    """The building loses power: kiosk and, mostly, acceptor with it."""
    world.doom(chance.choice(SOON), power=True, with_device=chance.random() < 0.8)


def _disk_power(world: "World", chance: random.Random) -> None:
    """The machine loses power while it writes."""
    world.cut_at_write(chance.randrange(1, 12), with_device=chance.random() < 0.8)


def _stop(world: "World", chance: random.Random) -> None:
    del chance
    world.ask_to_stop()


def _slow_disk(world: "World", chance: random.Random) -> None:
    world.sync_ms = chance.choice([50, 300, 1_000, 4_000, 10_000])
    world.timeline.after(chance.choice([5_000, 30_000]), world.mend_disk)


def _failing_disk(world: "World", chance: random.Random) -> None:
    del chance
    world.fail_next_sync()


def _full_disk(world: "World", chance: random.Random) -> None:
    world.fill_disk()
    world.timeline.after(chance.choice([3_000, 20_000]), world.empty_disk)


def _clock(world: "World", chance: random.Random) -> None:
    world.machine.jump(chance.choice([-YEARS_10_MS, -DAY_MS, -3_600_000, -90_000, 90_000, 3_600_000, DAY_MS]))
    if chance.random() < 0.7:
        world.timeline.after(chance.choice([2_000, 40_000]), world.machine.synchronise)


def _untrusted(world: "World", chance: random.Random) -> None:
    world.machine.network_time = False
    world.timeline.after(chance.choice([2_000, 40_000]), world.machine.synchronise)


# Acceptor and its line


def _device_power(world: "World", chance: random.Random) -> None:
    world.device_off(chance.choice([300, 2_000, 15_000]))


def _device_power_at(world: "World", chance: random.Random) -> None:
    """The acceptor loses power while a note is at a certain place, and comes back."""
    world.device.arm("power_cut", chance.choice(["accepting", "escrow", "stacking", "before_stacked", "returning"]))
    world.watch_device_power()


def _cable(world: "World", chance: random.Random) -> None:
    world.pull_cable()
    world.timeline.after(chance.choice([300, 3_000, 25_000, 40_000]), world.plug_in)


def _line(world: "World", chance: random.Random) -> None:
    world.slot.acceptor.trouble(chance)


def _noise(world: "World", chance: random.Random) -> None:
    acceptor = world.slot.acceptor
    acceptor.noise(chance.randbytes(chance.randrange(1, 6)))
    world.timeline.after(5_000, partial(acceptor.noise, b""))


def _change_fails(world: "World", chance: random.Random) -> None:
    """The next change ends early. Staff clear a jam; a device without power comes back."""
    how = chance.choice(PAYOUT_FAILURES)
    world.slot.acceptor.fail_payout(how, chance.choice((0, 0, 1, 2)))
    world.watch_device_power()
    world.clear_jam_after(chance.choice([10_000, 25_000]), by_hand=True)


def _jam(world: "World", chance: random.Random) -> None:
    world.device.arm("jam", chance.choice(["accepting", "stacking", "returning"]))
    by_hand = chance.random() < 0.5
    world.clear_jam_after(chance.choice([10_000, 25_000] if by_hand else [2_000, 20_000]), by_hand=by_hand)


def _refuses(world: "World", chance: random.Random) -> None:
    world.device.arm("reject", chance.choice(["accepting", "stacking"]))


def _collect(world: "World", chance: random.Random) -> None:
    world.timeline.live(collect(world, chance))


# Printer, screen, network, server


def _printer(world: "World", chance: random.Random) -> None:
    world.printer.become(chance.choice(["faulted", "lost"]))
    world.timeline.after(chance.choice([500, 5_000, 30_000]), partial(world.printer.become, "ready"))


def _screen(world: "World", chance: random.Random) -> None:
    world.screen_lit = False
    world.timeline.after(chance.choice([1_000, 10_000]), partial(setattr, world, "screen_lit", True))


def _network_down(world: "World", chance: random.Random) -> None:
    world.network.down = True
    world.timeline.after(chance.choice([1_000, 10_000, 60_000]), partial(setattr, world.network, "down", False))


def _weather(world: "World", chance: random.Random) -> None:
    ways = ("lose_request", "lose_answer", "late", "repeat")
    world.network.weather = {way: chance.choice([0, 0.1, 0.4]) for way in ways}
    world.network.slow_ms = chance.choice([0, 0, 800, 2_900])
    world.timeline.after(chance.choice([10_000, 60_000]), world.clear_weather)


def _server_restart(world: "World", chance: random.Random) -> None:
    world.network.serving = False
    world.timeline.after(chance.choice([500, 5_000]), partial(setattr, world.network, "serving", True))


def _server_restored(world: "World", chance: random.Random) -> None:
    """The server comes back from the backup of some time ago."""
    backup = world.central.backup()
    world.timeline.after(chance.choice([2_000, 15_000, 60_000]), partial(world.restore_server, backup))


def _account_closed(world: "World", chance: random.Random) -> None:
    world.central.close_account(chance.choice(world.households).number)


# Card terminal


def _till_power(world: "World", chance: random.Random) -> None:
    """The terminal loses power now, or by itself around its next approval."""
    assert world.till is not None
    when = chance.choice(["", "card", "host", "booked"])
    if when:
        world.till.twin.power_cut_at(when)
        world.timeline.after(chance.choice([5_000, 40_000]), world.till.power_on)
    else:
        world.till.power_cut(chance.choice([2_000, 20_000]))


def _till_cable(world: "World", chance: random.Random) -> None:
    assert world.till is not None
    world.till.unplug()
    world.timeline.after(chance.choice([300, 3_000, 25_000]), world.till.plug_in)


def _till_line(world: "World", chance: random.Random) -> None:
    assert world.till is not None
    world.till.drop = chance.choice([1, 1, 2, 3, 6])


def _till_damage(world: "World", chance: random.Random) -> None:
    assert world.till is not None
    world.till.damage = chance.choice([1, 2, 4, 8, 20])
    world.till.terminal.trouble(chance)


_CARD_ACTS: dict[str, Callable[["World", random.Random], None]] = {
    "terminal loses power": _till_power,
    "terminal's cable": _till_cable,
    "terminal's line loses": _till_line,
    "terminal's line damages": _till_damage,
}
_ACTS: dict[str, Callable[["World", random.Random], None]] = {
    "process dies": _dies,
    "process dies soon": _dies_soon,
    "power cut": _power,
    "power cut while writing": _disk_power,
    "asked to stop": _stop,
    "slow disk": _slow_disk,
    "failing disk": _failing_disk,
    "full disk": _full_disk,
    "clock jumps": _clock,
    "clock untrusted": _untrusted,
    "acceptor loses power": _device_power,
    "acceptor loses power with a note": _device_power_at,
    "acceptor's cable": _cable,
    "lossy line": _line,
    "noisy line": _noise,
    "jam": _jam,
    "acceptor refuses late": _refuses,
    "cassette collected": _collect,
    "printer": _printer,
    "screen silent": _screen,
    "network down": _network_down,
    "bad network": _weather,
    "server restarts": _server_restart,
    "server restored": _server_restored,
    "account closed": _account_closed,
}


def _at_day_end(kind: str, world: "World", chance: random.Random) -> None:
    """At the next close of the batch, or while it is under way."""
    act = partial((_ACTS | _CARD_ACTS)[kind], world, chance)
    world.day_end.armed.append(partial(world.timeline.after, chance.choice((0, 0, 10, 30, 60, 200)), act))


def _at_refund(kind: str, world: "World", chance: random.Random) -> None:
    """At the next refund that goes to the terminal, or while it is under way."""
    act = partial((_ACTS | _CARD_ACTS)[kind], world, chance)
    wait_ms = chance.choice((0, 0, 5, 20, 60, 200, 900, 1_500, 2_500))
    world.refunds.armed.append(partial(world.timeline.after, wait_ms, act))


def _at_approval(kind: str, world: "World", chance: random.Random) -> None:
    """As soon as the terminal says that the next card paid, or a moment later."""
    assert world.till is not None
    act = partial((_ACTS | _CARD_ACTS)[kind], world, chance)
    world.till.armed.append(partial(world.timeline.after, chance.choice((0, 0, 5, 20, 60)), act))


_APPROVAL_ACTS: dict[str, Callable[["World", random.Random], None]] = {
    f"{kind} at an approval": partial(_at_approval, kind) for kind in (*_CARD_ACTS, "process dies", "power cut")
}


def _till_answers(world: "World", chance: random.Random) -> None:
    assert world.till is not None
    world.till.damage_back = chance.choice([1, 2, 4, 8])


_GIVING_ACTS = ("process dies", "power cut", "acceptor loses power", "acceptor's cable", "lossy line", "asked to stop")
_CHANGE_ACTS: dict[str, Callable[["World", random.Random], None]] = {"change fails": _change_fails}
_LINE_ACTS = {"terminal's answers are damaged": _till_answers}


def _reader(world: "World", chance: random.Random) -> None:
    assert world.checks is not None
    break_reader(world.checks, chance)


_CHECK_ACTS: dict[str, Callable[["World", random.Random], None]] = {"check reader": _reader}
_DAY_END_ACTS: dict[str, Callable[["World", random.Random], None]] = {
    f"{kind} at the day end": partial(_at_day_end, kind) for kind in (*_CARD_ACTS, "process dies", "power cut")
}
_REFUND_ACTS: dict[str, Callable[["World", random.Random], None]] = {
    f"{kind} at a refund": partial(_at_refund, kind) for kind in (*_CARD_ACTS, "process dies", "power cut", "printer")
}
_BESIDES = _APPROVAL_ACTS | _LINE_ACTS | _CHECK_ACTS | _DAY_END_ACTS | _REFUND_ACTS | _CHANGE_ACTS
# What decides over notes happens more often than the rest.
KINDS = (*_ACTS, "process dies", "process dies soon", "power cut", "power cut while writing")
KINDS += ("acceptor loses power with a note", "lossy line", "lossy line", "network down", "cassette collected")
_COME: dict[str, Callable[["World"], bool]] = {
    "": lambda world: True,
    "while somebody pays": lambda world: world.watch.books.payment is not None,
    "with a note in the path": lambda world: world.slot.busy,
    "as a note reaches the cassette": lambda world: world.slot.untold,
    "while nobody is here": lambda world: world.timeline.now_ms - world.watch.committed_ms > QUIET_MS,
}
WHEN = tuple(_COME)
OFTEN_CARD = ("", "with a card asked for", "with a card asked for", "with a card asked for")
_COME["with a card asked for"] = lambda world: world.watch.books.card_under_way
GIVING = "while change is given"
_COME[GIVING] = lambda world: world.watch.books.payout is not None
AT_SLOT = "with a check at the slot"
_COME[AT_SLOT] = lambda world: world.checks is not None and world.checks.asked_for is not None
_COME["with a check on the page"] = lambda world: world.screen == "check"
UNDONE = "while a card is being undone"
_COME[UNDONE] = lambda world: any(attempt.operation == "void" for attempt in world.watch.books.attempts)
OFTEN = (*WHEN, *WHEN[1:4], *WHEN[2:4])
