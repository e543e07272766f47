"""The crash-loop guard: after three crashes in ten minutes no more money, only posting and a page (rule 11)."""

import json
import os
from pathlib import Path

import structlog

log = structlog.get_logger()

CRASHES_MAX = 3
WINDOW_MS = 600_000


class CrashGuard:
    """Remembers starts without a clean end, by boot and monotonic time, in a small file that survives the process."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path = path
        self._boot_id = boot_id

    def started(self, now_ms: int) -> bool:
        """Note a start; return True when too many recent ones ended badly."""
        starts = [at for at in self._starts() if now_ms - at < WINDOW_MS]
        self._write([*starts, now_ms])
        return len(starts) >= CRASHES_MAX

    def ended_well(self) -> None:
        self._write([])

    def _starts(self) -> list[int]:
        try:
            content = json.loads(self._path.read_bytes())
            return [int(at) for at in content["starts"]] if content["boot_id"] == self._boot_id else []
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _write(self, starts: list[int]) -> None:
        """A medium that takes no writes must not end the process here: the journal tells that better."""
        draft = self._path.with_suffix(".new")
        try:
            draft.write_text(json.dumps({"boot_id": self._boot_id, "starts": starts}), encoding="ascii")
            os.replace(draft, self._path)
        except OSError as error:
            log.warning("this start was not counted", reason=str(error))
