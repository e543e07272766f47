"""One decision in the making. Facts are applied as they are recorded, so later rules of the same turn see them."""

from dataclasses import replace
from typing import Any

from kiosk.brain.apply import apply
from kiosk.brain.commands import CancelTimer, Command, SetTimer
from kiosk.brain.events import Event, Moment
from kiosk.brain.settings import Settings
from kiosk.brain.state import Books, Devices, Scene, State
from kiosk.domain.facts import Fact


class Turn:
    """Collects what a decision records, orders and shows. Lives for one call of `decide`."""

    def __init__(self, state: State, event: Event) -> None:
        self.state = state
        self.moment: Moment = event.moment
        self.facts: list[Fact] = []
        self.commands: list[Command] = []

    @property
    def settings(self) -> Settings:
        return self.state.settings

    @property
    def books(self) -> Books:
        return self.state.books

    @property
    def scene(self) -> Scene:
        return self.state.scene

    @property
    def devices(self) -> Devices:
        return self.state.devices

    def record(self, fact: Fact) -> None:
        """Add a fact; it is on disk before any command of this turn leaves."""
        self.facts.append(fact)
        self.state = replace(self.state, books=apply(self.books, fact))

    def order(self, command: Command) -> None:
        self.commands.append(command)

    def show(self, **changes: Any) -> None:
        """Change the scene."""
        self.state = replace(self.state, scene=replace(self.scene, **changes))

    def show_scene(self, scene: Scene) -> None:
        self.state = replace(self.state, scene=scene)

    def hear(self, **changes: Any) -> None:
        """Change what is known of the devices."""
        self.state = replace(self.state, devices=replace(self.devices, **changes))

    def start(self, timer: str, after_ms: int) -> None:
        self.order(SetTimer(timer, after_ms))

    def stop(self, timer: str) -> None:
        self.order(CancelTimer(timer))
