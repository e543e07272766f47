"""What differs between installations, processors and versions of a PAX terminal (sheet sections 7 and 13)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

VERSION = "1.35"


@dataclass(frozen=True)
class Settings:
    """`link`: HTTP has no control bytes and takes no cancel.

    `serial` is the terminal that must be there, "" for any. `settle_ms` is how long a sale can last on the terminal at
    most: its own wait for a card, PIN and the host. Only after it is a sale that nobody heard of certainly absent.
    `timestamp` returns local time as YYYYMMDDhhmmss for the closing of a batch.
    """

    link: Literal["serial", "tcp", "http"] = "serial"
    version: str = VERSION
    serial: str = ""
    answer_ms: int = 180_000
    settle_ms: int = 180_000
    void_by: Literal["number", "host_reference"] = "number"
    void_type: Literal["16", "17"] = "16"
    report_status: bool = False
    check_store_and_forward: bool = True
    timestamp: Callable[[], str] = lambda: ""

    @property
    def handshake(self) -> bool:
        return self.link != "http"
