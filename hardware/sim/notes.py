"""What every acceptor's twin has inside: where a note is, and what survives a power cut."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

# When a thing that was armed happens by itself.
MOMENTS = ("accepting", "escrow", "stacking", "before_stacked", "returning")


class Place(Enum):
    """Where a note is. STACKED_UNTOLD: it is in the cassette and the host has not been told."""

    NOWHERE = "nowhere"
    ACCEPTING = "accepting"
    ESCROW = "escrow"
    STACKING = "stacking"
    STACKED_UNTOLD = "stacked_untold"
    RETURNING = "returning"


@dataclass
class Body:
    """What survives a power cut: positions of notes and of the cassette."""

    place: Place = Place.NOWHERE
    value_minor: int = 0
    notes: Counter[int] = field(default_factory=Counter)  # in the cassette: value to count
    returned: int = 0  # notes handed back to customers
    cassette: bool = True
    full: bool = False
    jammed: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"place": self.place.value, "notes": {str(k): v for k, v in sorted(self.notes.items())}}

    @staticmethod
    def from_json(content: dict[str, Any]) -> "Body":
        notes = Counter({int(value): int(count) for value, count in content["notes"].items()})
        return Body(**(content | {"place": Place(content["place"]), "notes": notes}))


def load(path: Path | None) -> Body | None:
    """Return the body that an earlier process kept in the file, None if there is none."""
    if path is None or not path.exists():
        return None
    return Body.from_json(json.loads(path.read_text(encoding="utf-8")))
