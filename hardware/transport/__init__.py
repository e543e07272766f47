"""Lines to devices: they open, break and come back."""

from hardware.transport.http_line import HttpLine
from hardware.transport.line import Line, LineBusy, LineLost
from hardware.transport.memory import MemoryLine
from hardware.transport.serial_line import SerialLine
from hardware.transport.tcp_line import TcpLine

__all__ = ["HttpLine", "Line", "LineBusy", "LineLost", "MemoryLine", "SerialLine", "TcpLine"]
