"""The bill acceptors that are spoken to: for each protocol its name, how its line is set, and how its codec is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.acceptors.ccnet import CcnetCodec
from hardware.acceptors.contract import Codec
from hardware.acceptors.ebds import MEI_SC, PROFILES, EbdsCodec
from hardware.acceptors.id003 import Id003Codec
from hardware.acceptors.ssp import NV, SspCodec
from hardware.acceptors.ssp import PROFILES as SSP_PROFILES
from hardware.acceptors.ssp.link import MEMORIES
from hardware.acceptors.ssp.secrecy import FACTORY_KEY
from hardware.transport.serial_line import Parity, SerialLine

Table = Mapping[int, tuple[str, int]]  # channel to currency and cents


@dataclass(frozen=True)
class Options:
    """What the city configures beside port and table. `profile` is for EBDS and SSP, "" for the usual one.

    Of SSP alone: `key` is the fixed key as the maker writes it, "" for the factory's; `stored` the channels that a
    recycler keeps to pay out.
    """

    profile: str = ""
    key: str = ""
    stored: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Family:
    """`make(options, table, kept)` returns a codec; `kept` is the last `keep(codec)`, None if that is not known."""

    name: str
    baud: int
    data_bits: int
    parity: Parity
    stop_bits: int
    make: Callable[[Options, Table, int | None], Codec]
    keep: Callable[[Any], int] = lambda codec: 0
    other_bauds: tuple[int, ...] = ()  # some units are set to

    @property
    def bauds(self) -> tuple[int, ...]:
        """Return the speeds of its devices, the usual one first."""
        return (self.baud, *self.other_bauds)

    def line(self, port: str | Path, baud: int = 0) -> SerialLine:
        """Return the line on `port`, at the usual speed if `baud` is 0."""
        return SerialLine(port, baud or self.baud, self.data_bits, self.parity, self.stop_bits)

    def settings(self, baud: int = 0) -> str:
        return f"{baud or self.baud} {self.data_bits}{self.parity}{self.stop_bits}"


def _ebds(options: Options, table: Table, toggle: int | None) -> Codec:
    return EbdsCodec(PROFILES.get(options.profile, MEI_SC), table, toggle if toggle in (0, 1) else None)


def _ccnet(options: Options, table: Table, kept: int | None) -> Codec:
    del options, kept
    return CcnetCodec(table)


_STACKING = 16  # above what another protocol may have kept in the same place


def _id003(options: Options, table: Table, kept: int | None) -> Codec:
    del options
    return Id003Codec(table, max(0, (kept or 0) - _STACKING))


def _keep_id003(codec: Any) -> int:
    return _STACKING + int(codec.stacking)


def _ssp(options: Options, table: Table, memory: int | None) -> Codec:
    key = bytes.fromhex(options.key)[::-1] or FACTORY_KEY
    memory = memory if memory in MEMORIES else None  # another protocol's, from before
    return SspCodec(SSP_PROFILES.get(options.profile, NV), table, memory, key=key, stored=options.stored)


FAMILIES = {
    "ebds": Family("EBDS", 9600, 7, "E", 1, _ebds, lambda codec: int(codec.toggle)),
    "id003": Family("ID-003", 9600, 8, "E", 1, _id003, _keep_id003, other_bauds=(19200,)),
    "ccnet": Family("CCNET", 9600, 8, "N", 1, _ccnet, other_bauds=(19200,)),
    "ssp": Family("SSP", 9600, 8, "N", 1, _ssp, lambda codec: int(codec.memory)),
}
