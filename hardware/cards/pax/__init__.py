"""PAX terminals in semi-integrated mode (BroadPOS, POSLINK)."""

from hardware.cards.pax.codec import PaxCodec
from hardware.cards.pax.line import PaxTcpLine
from hardware.cards.pax.settings import Settings

__all__ = ["PaxCodec", "PaxTcpLine", "Settings"]
