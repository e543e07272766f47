"""Documents as ESC/POS: golden bytes, and what the printer's twin reads from them.

What must hold: a job does not depend on the state before it; no character turns into a question mark; no text and no
picture can hold a command; nothing is wider than the paper. Method: bytes written out by hand from the command
reference, and properties over arbitrary text through the twin, which shares no code with the encoder.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.printer.document import Columns, Cut, Document, Feed, Qr, Rule, Text
from hardware.printer.escpos import Layout, encode, repertoire
from hardware.printer.layout import cells, wrap
from hardware.printer.raster import without_commands
from hardware.sim.printer_machine import PrinterMachine
from hardware.sim.printer_paper import Code, Picture, Strip, TextLine, draw

START = b"\x1b@\x1bR\x00\x1bt\x13"  # ESC @, country USA, code page 19 (CP858)
PLAIN = b"\x1d!\x00\x1bE\x00\x1bM\x00\x1ba\x00"


def paper(document: Document, machine: PrinterMachine | None = None, layout: Layout | None = None) -> Strip:
    machine = machine or PrinterMachine(columns=(layout or Layout()).columns)
    machine.receive(encode(document, layout))
    return machine.strip


# Golden bytes


def test_a_line_of_text() -> None:
    assert encode((Text("Paid"),)) == START + PLAIN + b"Paid\n"


def test_size_weight_and_place() -> None:
    big = b"\x1d!\x11\x1bE\x01\x1bM\x00\x1ba\x01"
    tall = b"\x1d!\x01\x1bE\x00\x1bM\x00\x1ba\x02"
    document = (Text("A", "center", size=2, bold=True), Text("B", "right", tall=True))
    assert encode(document) == START + big + b"A\n" + tall + b"B\n"


@pytest.mark.parametrize(
    ("sign", "byte"),
    [
        *(("$", 0x24), ("¢", 0xBD), ("£", 0x9C), ("¥", 0xBE), ("€", 0xD5), ("#", 0x23), ("─", 0xC4)),
        *(("ñ", 0xA4), ("Ñ", 0xA5), ("¿", 0xA8), ("¡", 0xAD), ("ü", 0x81)),
        *(("á", 0xA0), ("é", 0x82), ("í", 0xA1), ("ó", 0xA2), ("ú", 0xA3)),
    ],
)
def test_the_signs_that_we_print(sign: str, byte: int) -> None:
    assert encode((Text(sign),)) == START + PLAIN + bytes((byte, 0x0A))


def test_a_code_in_dots_of_its_own() -> None:
    data = b"https://x.example/1"
    stored = b"\x1d(k" + (len(data) + 3).to_bytes(2, "little") + b"1P0" + data
    model, size, level = b"\x1d(k\x04\x001A2\x00", b"\x1d(k\x03\x001C\x06", b"\x1d(k\x03\x001E1"
    quiet = b"\x1bJ\x18"
    expected = START + b"\x1ba\x01" + quiet + model + size + level + stored + b"\x1d(k\x03\x001Q0" + quiet
    assert encode((Qr(data.decode()),)) == expected


def test_feed_and_cut() -> None:
    assert encode((Feed(2), Cut())) == START + b"\x1bd\x02" + b"\x1ba\x00" + b"\x1dVB\x00"


def test_columns_set_the_figure_at_the_edge() -> None:
    assert encode((Columns("Fee", "$0.00"),), Layout(32)).endswith(b"Fee" + b" " * 24 + b"$0.00\n")


# The state before


@pytest.mark.parametrize("country", [2, 3, 5, 7])
@pytest.mark.parametrize("code_page", [0, 16, 18])
def test_a_printer_set_to_another_country_prints_the_same(country: int, code_page: int) -> None:
    machine = PrinterMachine(country=country, code_page=code_page)
    assert paper((Text("$20 #7 señor €5 @ {x}"),), machine).text() == "$20 #7 señor €5 @ {x}\n"


def test_what_an_earlier_job_left_does_not_show() -> None:
    machine = PrinterMachine()
    machine.receive(b"\x1bt\x12\x1bR\x05\x1d!\x33\x1bE\x01\x1ba\x02half a li")
    (line,) = paper((Text("cómo: $5"),), machine).printed
    assert isinstance(line, TextLine)
    assert line.text == "cómo: $5"
    assert line.align == "left"
    assert [(run.wide, run.high, run.bold) for run in line.runs] == [(1, 1, False)]


# Letters that the code page does not hold


def test_typographic_signs_are_typed() -> None:
    assert paper((Text("“Main” – it’s…"),)).text() == '"Main" - it\'s...\n'


def test_a_script_that_no_code_page_holds_is_drawn() -> None:
    strip = paper((Text("Đường Lê Lợi"), Text("plain")))
    picture, line = strip.printed
    assert isinstance(picture, Picture)
    assert any(picture.data)
    assert picture.width == 42 * 12
    assert isinstance(line, TextLine)


def test_dots_that_spell_a_real_time_command_are_changed_by_one_dot() -> None:
    dots = bytes.fromhex("10 04 01 10 10 05 02 10 14 08 10 00")
    assert without_commands(dots) == bytes.fromhex("18 04 01 10 18 05 02 18 14 08 10 00")


def test_without_a_font_the_base_letter_or_a_box_is_printed() -> None:
    layout = Layout(fonts=("no such font.ttf",))
    assert paper((Text("Đường Lê Lợi"),), layout=layout).text() == "■uong Lê Loi\n"


def test_each_width_has_a_code_page_for_spanish() -> None:
    assert [repertoire(Layout(columns)) for columns in (32, 42, 48)] == ["CP858"] * 3


def test_a_model_with_only_the_oldest_code_page_still_says_everything() -> None:
    layout = Layout(model="simple", fonts=("no such font.ttf",))
    text = paper((Text("Señor, ¿cuánto? ÁÍÓ €"),), layout=layout).text()
    assert text == "Señor, ¿cuánto? AIO ■\n"


def test_a_model_without_codes_gets_them_drawn_and_without_a_blade_is_fed() -> None:
    strip = paper((Qr("RB-07-1-000412 ABCDEFGHIJ"), Cut()), layout=Layout(32))
    assert isinstance(strip.printed[0], Picture)
    assert not any(isinstance(item, Code) for item in strip.printed)


# Properties

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_no_text_can_command_the_printer_or_become_a_question_mark(text: str) -> None:
    machine = PrinterMachine()
    document = (Text(text), Columns(text, "$1.00"), Text("last"), Cut())
    assert machine.receive(encode(document)) == b""
    assert len(machine.finished) == 1
    shown = machine.finished[0].text()
    assert shown.endswith("last\n")
    assert shown.count("?") <= 2 * text.count("?")


@settings(deadline=None)
@given(text=ANY_TEXT, layout=st.sampled_from((Layout(32), Layout(42), Layout(48))))
def test_no_job_holds_a_real_time_command(text: str, layout: Layout) -> None:
    job = encode((Text(text, size=2), Text("Đ" + text, bold=True)), layout)
    assert not any(b"\x10" + second in job for second in (b"\x04", b"\x05", b"\x14"))


@settings(deadline=None)
@given(text=ANY_TEXT, width=st.integers(8, 48))
def test_wrapping_keeps_every_letter_and_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    expected, got = "".join(wrap(text, 10_000)).split(), "".join(lines).split()
    assert "".join(got) == "".join(expected)


@settings(deadline=None)
@given(
    left=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=100),
    right=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60),
    size=st.sampled_from((1, 2)),
    columns=st.sampled_from((32, 42, 48)),
)
def test_columns_keep_label_and_figure(left: str, right: str, size: int, columns: int) -> None:
    lines = paper((Columns(left, right, size=size),), layout=Layout(columns)).printed
    assert all(isinstance(line, TextLine) and line.wide <= columns for line in lines)
    text = "".join(line.text for line in lines if isinstance(line, TextLine)).replace(" ", "")
    assert text == left.replace(" ", "") + right


def test_the_picture_shows_what_was_printed() -> None:
    """Every line of the strip leaves ink where it stands: a black row in the picture for each printed line."""
    strip = paper((Text("one"), Feed(), Rule(), Qr("code"), Text("TWO", "center", size=2, bold=True)))
    picture = draw(strip).convert("L").point(lambda value: 255 if value < 80 else 0)
    box = picture.getbbox()
    assert box is not None
    rows = [picture.crop((0, y, picture.width, y + 1)).getbbox() is not None for y in range(picture.height)]
    blocks = sum(1 for above, here in zip([False, *rows], rows, strict=False) if here and not above)
    assert blocks == 4
