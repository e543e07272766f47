"""ZVT keeps the contract of every terminal: on each line, with and without its memory, by each habit left open."""

from dataclasses import replace

from hardware.sim.lines import Weather
from hardware.sim.zvt_parts import Settings
from tests.protocol.terminal_bench import Bench
from tests.protocol.terminal_contract import TerminalContract
from tests.protocol.zvt_bench import ZvtBench


def without_losses(weather: Weather | None) -> Weather | None:
    """TCP brings every byte, or breaks: what a bad line loses or damages comes late."""
    return replace(weather, loss=0.0, flip=0.0, jitter_ms=weather.jitter_ms + 200) if weather else None


class TestTcp(TerminalContract):
    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        return ZvtBench(weather=without_losses(weather), seed=seed)


class TestSerial(TerminalContract):
    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        return ZvtBench(Settings(serial=True), weather=weather, seed=seed)


class TestTcpWithoutMemory(TerminalContract):
    """The codec after a crash knows nothing; the terminal writes down what it reversed, and prints."""

    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        settings = Settings(reversals_stored=True, prints=2, minutes=False, busy_code=0xA0)
        return ZvtBench(settings, weather=without_losses(weather), seed=seed, keeps=False)


class TestSerialWithoutTheHandshake(TerminalContract):
    """Not a vending machine: the terminal cannot be told to wait, and says little."""

    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        settings = Settings(serial=True, vending=False, progress=False, close_forgets=True, reversals_stored=True)
        return ZvtBench(settings, weather=weather, seed=seed)
