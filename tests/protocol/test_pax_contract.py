"""PAX as a card terminal: the suite of all terminals, over each transport and each habit that the sheet leaves open."""

from hardware.cards.pax import Settings as HostSettings
from hardware.sim.lines import Weather
from hardware.sim.pax_parts import Settings
from tests.protocol.pax_bench import pax_bench
from tests.protocol.terminal_bench import Bench
from tests.protocol.terminal_contract import TerminalContract


class TestSerial(TerminalContract):
    """A terminal that is silent to a second command while one runs."""

    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        return pax_bench(Settings(), HostSettings(), weather, seed)


class TestSerialThatAnswersWhileBusy(TerminalContract):
    """Questions are answered in the middle of a sale: not found is not yet absent."""

    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        settings = Settings(busy="answers", cancel="silent", void_record="replaces", duplicates="off", echoes=False)
        return pax_bench(settings, HostSettings(), weather, seed)


class TestTcp(TerminalContract):
    """The terminal notices a cut."""

    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        return pax_bench(Settings(busy="eot", cancel="a15"), HostSettings(link="tcp"), weather, seed)
