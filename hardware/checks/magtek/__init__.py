"""MagTek's serial check readers: Mini MICR, MICR Plus, MICRImage. Commands are text, and so is what is read."""

from hardware.checks.magtek.codec import MagtekCodec

__all__ = ["MagtekCodec"]
