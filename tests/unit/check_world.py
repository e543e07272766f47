"""The kiosk of brain_world.py with a check reader, and a person with checks."""

from dataclasses import dataclass, field, replace
from typing import Any

from kiosk.brain import events
from kiosk.brain.apply import fold
from kiosk.brain.settings import Settings
from kiosk.brain.state import State
from tests.unit.brain_world import World, account, settings

ROUTING = "111000025"


def check_settings() -> Settings:
    return replace(settings(), checks=True, check_maximum_minor=100_000)


@dataclass
class CheckWorld(World):
    state: State = field(default_factory=lambda: State(check_settings()))

    def boot(self) -> "CheckWorld":
        super().boot()
        self.tell(events.CheckReaderConnected, detail="MagTek")
        return self

    def restart(self) -> Any:
        self.state = State(self.state.settings, fold(self.facts))
        return self.tell(events.Started, reason="restart")

    def feed(self, number: str = "1045") -> None:
        self.tell(events.CheckRead, routing=ROUTING, number=number, account_last4="6789", fingerprint=f"print-{number}")

    def type(self, amount_minor: int) -> None:
        for digit in str(amount_minor):
            self.touch("key", digit)
        self.touch("submit")

    def to_check(self, balance_minor: int = 5318, **changes: Any) -> "CheckWorld":
        self.scan(replace(account(balance_minor), **changes))
        self.touch("pay_full")
        self.touch("pay_again")
        self.touch("pay_check")
        return self

    def to_slot(self, amount_minor: int = 5318, balance_minor: int = 5318) -> "CheckWorld":
        self.to_check(balance_minor)
        self.feed()
        self.type(amount_minor)
        self.type(amount_minor)
        return self

    @property
    def phase(self) -> str:
        view = self.picture.check_view
        return view.phase if view is not None else self.state.scene.stage

    @property
    def notice(self) -> str:
        return self.state.scene.notice
