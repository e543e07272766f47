"""Real codes, drawn by other libraries than the ones that read them, in the states that paper comes in."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from hardware.scanner.decode import decode_image, grey
from hardware.sim.camera_optics import FRAME, Hold, desk, perspective, photograph
from hardware.sim.camera_symbols import draw
from kiosk.scanning import cli

CITY = "7111000441400044170000531826120198"
SLIP = "83860000005096000190000008017823000034306271"
GS1 = "41577099980137118020000010129389000011127135\x1d39000001168375\x1d9620111207"
IMB = "0123456709498765432101234567891"


def sheet(*codes: Image.Image) -> Image.Image:
    """Return white paper with the codes below each other."""
    width, height = max(code.width for code in codes) + 200, sum(code.height + 100 for code in codes) + 100
    paper = Image.new("L", (width, height), 255)
    top = 100
    for code in codes:
        paper.paste(code, (100, top))
        top += code.height + 100
    return paper


def payloads(image: Image.Image, any_symbology: bool = False) -> list[tuple[str, str]]:
    return [(reading.payload, reading.symbology) for reading in decode_image(image, any_symbology)]


@pytest.mark.parametrize(
    ("payload", "symbology"),
    [
        (CITY, "code128"),
        (CITY, "qr"),
        (SLIP, "itf"),
        (GS1, "gs1_128"),
        ("ABC-123 $/+%", "code39"),
        ("HRVHUB30\nEUR\n000000000010788", "pdf417"),
        ("PAGOPA|002|399000012345678900|83000390019|222250", "datamatrix"),
    ],
)
def test_each_payment_symbology(payload: str, symbology: str) -> None:
    assert payloads(sheet(draw(payload, symbology))) == [(payload, symbology)]


@pytest.mark.parametrize(
    ("payload", "symbology"),
    [("A40156B", "codabar"), ("ABC123", "code93"), ("4006381333931", "ean13"), ("ABC", "aztec")],
)
def test_other_symbologies_only_on_request(payload: str, symbology: str) -> None:
    paper = sheet(draw(payload, symbology))
    assert payloads(paper) == []
    assert payloads(paper, any_symbology=True) == [(payload, symbology)]


@pytest.mark.parametrize("angle", [7, 33, 45, 61, 90, 135, 180, 291])
@pytest.mark.parametrize(("payload", "symbology"), [(CITY, "code128"), (CITY, "qr"), (SLIP, "itf")])
def test_turned(payload: str, symbology: str, angle: int) -> None:
    turned = sheet(draw(payload, symbology)).rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert (payload, symbology) in payloads(turned)


@pytest.mark.parametrize(("payload", "symbology"), [(CITY, "code128"), (CITY, "qr"), (SLIP, "itf")])
def test_blurred_and_pale(payload: str, symbology: str) -> None:
    paper = sheet(draw(payload, symbology)).filter(ImageFilter.GaussianBlur(1.4))
    pale = paper.point(lambda value: 110 + value * 40 // 255)
    assert payloads(pale) == [(payload, symbology)]


def test_qr_under_a_thumb() -> None:
    paper = sheet(draw(CITY, "qr", 8))
    paper.paste(90, (100 + 130, 100 + 130, 100 + 170, 100 + 170))
    assert payloads(paper) == [(CITY, "qr")]


def test_a_band_torn_off_the_bars() -> None:
    paper = sheet(draw(CITY, "code128"))
    paper.paste(255, (0, 0, paper.width, paper.height * 6 // 10))
    assert payloads(paper) == [(CITY, "code128")]


def test_bars_that_are_covered_are_not_guessed() -> None:
    paper = sheet(draw(CITY, "code128"))
    paper.paste(255, (paper.width // 2 - 40, 0, paper.width // 2 + 40, paper.height))
    assert payloads(paper) == []


def test_small_in_sixteen_megapixels() -> None:
    scene = Image.new("L", (4608, 3456), 190)
    scene.paste(sheet(draw(CITY, "code128", 3)), (300, 2600))
    assert payloads(scene) == [(CITY, "code128")]


@pytest.mark.parametrize("symbology", ["code128", "qr", "datamatrix"])
def test_held_to_the_camera(symbology: str) -> None:
    frame = photograph(sheet(draw(CITY, symbology)), Hold(tilt_deg=-7, skew_permille=25, blur_px=0.9, noise=12))
    assert frame.size == FRAME
    assert payloads(frame) == [(CITY, symbology)]


def test_an_empty_shelf_holds_no_code() -> None:
    assert payloads(desk(noise=20).crop((400, 300, 1040, 780))) == []


def test_characters_beyond_ascii() -> None:
    text = "SPC\nZürich\nGenève\nČapek"
    assert payloads(sheet(draw(text, "qr"))) == [(text, "qr")]


@pytest.mark.parametrize("mode", ["1", "RGB", "RGBA", "LA", "P", "CMYK", "I;16"])
def test_every_kind_of_picture(mode: str) -> None:
    paper = sheet(draw(CITY, "qr"))
    if mode == "I;16":
        picture = Image.frombytes("I;16", paper.size, b"".join(bytes((0, value)) for value in paper.tobytes()))
    else:
        picture = paper.convert(mode)
    assert payloads(picture) == [(CITY, "qr")]


def test_transparent_ground_is_white() -> None:
    code = draw(CITY, "qr")
    clear = Image.merge("LA", (Image.new("L", code.size, 0), code.point(lambda value: 255 - value)))
    assert grey(clear).getpixel((0, 0)) == 255
    assert payloads(clear) == [(CITY, "qr")]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.binary(min_size=1, max_size=64))
def test_no_picture_raises(width: int, height: int, seed: bytes) -> None:
    noise = random.Random(seed).randbytes(width * height)
    decode_image(Image.frombytes("L", (width, height), noise), any_symbology=True)


def test_same_seed_same_photograph() -> None:
    paper = sheet(draw(CITY, "qr"))
    assert photograph(paper, Hold(seed=5)).tobytes() == photograph(paper, Hold(seed=5)).tobytes()
    assert photograph(paper, Hold(seed=5)).tobytes() != photograph(paper, Hold(seed=6)).tobytes()


def test_perspective_carries_the_corners() -> None:
    square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    moved = [(1.0, 2.0), (12.0, 1.0), (9.0, 11.0), (0.5, 9.0)]
    a, b, c, d, e, f, g, h = perspective(square, moved)
    for (x, y), (u, v) in zip(square, moved, strict=True):
        below = g * x + h * y + 1
        assert ((a * x + b * y + c) / below, (d * x + e * y + f) / below) == pytest.approx((u, v))


# kiosk read


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[dict[str, object]]]:
    code = cli.main(argv)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def saved(folder: Path, name: str, *codes: Image.Image) -> str:
    path = folder / name
    sheet(*codes).save(path)
    return str(path)


def test_read_prints_a_line_for_each_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bill = saved(tmp_path, "bill.png", draw(CITY, "code128"))
    other = saved(tmp_path, "other.png", draw("https://example.org", "qr"))
    parcel = saved(tmp_path, "parcel.png", draw("4006381333931", "ean13"))
    code, (first, second, third) = run(capsys, bill, other, parcel)
    assert code == 0
    assert {key: first[key] for key in ("image", "payload", "symbology", "profile")} == {
        "image": bill,
        "payload": CITY,
        "symbology": "code128",
        "profile": "riverbend",
    }
    assert first["fields"]["amount_minor"] == 5318  # type: ignore[index]
    assert isinstance(first["ms"], int)
    assert (second["payload"], second["profile"], second["refused"]) == ("https://example.org", None, "unknown")
    assert (third["payload"], third["profile"]) == (None, None)
    _, (found,) = run(capsys, "--any", parcel)
    assert (found["payload"], found["symbology"]) == ("4006381333931", "ean13")


def test_read_prefers_the_code_that_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = saved(
        tmp_path, "both.png", draw("0001000200030004", "datamatrix", 8), draw(CITY, "qr"), draw("AD 7", "code39")
    )
    _, (line,) = run(capsys, both)
    assert (line["payload"], line["profile"]) == (CITY, "riverbend")
    assert {other["payload"] for other in line["others"]} == {"0001000200030004", "AD 7"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("payload", "symbology", "refused"),
    [
        (SLIP[:40], "itf", "short"),
        (CITY[:30], "code128", "short"),
        (CITY[:-1] + "7", "qr", "check"),
        (IMB, "datamatrix", "postal"),
    ],
)
def test_read_says_why_a_code_is_refused(
    payload: str, symbology: str, refused: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (line,) = run(capsys, saved(tmp_path, "bill.png", draw(payload, symbology)))
    assert (code, line["payload"], line["profile"], line["refused"]) == (0, payload, None, refused)


def test_read_goes_on_after_a_file_that_is_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bill = saved(tmp_path, "bill.png", draw(CITY, "qr"))
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(Path(bill).read_bytes()[:300])
    names = [str(tmp_path / name) for name in ("text.png", "cut.png", "missing.png")]
    code, lines = run(capsys, *names, str(tmp_path), bill)
    assert code == 1
    assert [set(line) for line in lines[:4]] == [{"image", "error"}] * 4
    assert lines[4]["payload"] == CITY
