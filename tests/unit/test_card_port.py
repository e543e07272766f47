"""The line of a card terminal, as its sheet wants it."""

import os
import pty
import termios

import pytest

from hardware.transport.serial_line import SerialLine
from kiosk.config.model import Card
from kiosk.engine import card_port


@pytest.mark.parametrize(("protocol", "stop_bits"), [("zvt", 2), ("pax", 1)])
def test_a_serial_terminal_gets_its_stop_bits(
    protocol: str, stop_bits: int, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pty.openpty()
    made: list[SerialLine] = []

    def kept(codec: object, line: SerialLine, **rest: object) -> object:
        made.append(line)
        return codec

    monkeypatch.setattr(card_port, "Driver", kept)
    card = Card(protocol=protocol, address=os.ttyname(theirs), terminal="00000001")
    card_port.MAKERS[protocol](card, "USD", tmp_path, print, print)  # type: ignore[arg-type]
    made[0].open()
    try:
        assert bool(termios.tcgetattr(theirs)[2] & termios.CSTOPB) == (stop_bits == 2)
    finally:
        made[0].close()
        os.close(ours)
        os.close(theirs)
