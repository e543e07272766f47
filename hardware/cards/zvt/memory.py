"""What must outlive the process and the power: the last attempt, and the transaction that came before it.

ZVT terminals keep no reference of ours (sheet section 8). With this a lost sale is told from the one before it, and a
payment that the terminal reversed because our answer never arrived is noticed at the next start.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Attempt:
    """`before` is the mark of the transaction stored last when it began, "" for none, None if it was not known.

    `of` is the mark of the sale that a void is about. `sent`: its message has left, or is about to, for the terminal
    with the id `terminal`. `mark` is its own, once the terminal told it. `approved`: the layer above was told so;
    `known`: it has that on disk, so the terminal may hear it; `undone`: the terminal reversed it all the same;
    `settled`: all is said.
    """

    operation: str
    reference: str
    amount_minor: int
    before: str | None = None
    of: str = ""
    sent: bool = False
    terminal: str = ""
    mark: str = ""
    approved_minor: int = 0
    approved: bool = False
    known: bool = False
    undone: bool = False
    settled: bool = False


class MemoryFile:
    """One attempt in `path`. `keeper` is for the driver's `before_write`: what is stored is never behind the line."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._stored = self.read()

    def read(self) -> Attempt | None:
        """Return the attempt stored, None if there is none that can be read."""
        try:
            return Attempt(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def store(self, attempt: Attempt | None) -> None:
        """Have `attempt` on the medium. OSError if that fails: then nothing may be sent."""
        if attempt is None or attempt == self._stored:
            return
        fresh = self._path.with_name(f"{self._path.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(attempt), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._stored = attempt

    def keeper(self, attempt: Callable[[], Attempt | None]) -> Callable[[], None]:
        """Return what stores `attempt()` each time it is called."""
        return lambda: self.store(attempt())
