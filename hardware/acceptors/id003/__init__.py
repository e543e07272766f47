"""ID-003: JCM UBA, WBA, iVIZION, Vega, EBA, TBV, and compatible ones."""

from hardware.acceptors.id003.codec import Id003Codec
from hardware.acceptors.id003.currency import USA

__all__ = ["USA", "Id003Codec"]
