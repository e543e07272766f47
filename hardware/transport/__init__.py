"""Lines to devices: they open, break and come back."""

from hardware.transport.line import Line, LineBusy, LineLost
from hardware.transport.memory import MemoryLine
from hardware.transport.serial_line import SerialLine

__all__ = ["Line", "LineBusy", "LineLost", "MemoryLine", "SerialLine"]
