"""ZVT: payment terminals of the German-speaking countries, over a serial line or TCP."""

from hardware.cards.zvt.codec import ZvtCodec
from hardware.cards.zvt.memory import Attempt, MemoryFile
from hardware.cards.zvt.profile import Profile

__all__ = ["Attempt", "MemoryFile", "Profile", "ZvtCodec"]
