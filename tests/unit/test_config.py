"""Goal: a wrong configuration is refused with every error at once, in words a clerk can act on."""

from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.config.load import ConfigWrong, load
from kiosk.engine.pins import hash_pin, who_has

SAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.toml"


def write(folder: Path, *changes: tuple[str, str]) -> Path:
    text = SAMPLE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "kiosk.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_sample_is_good() -> None:
    config = load(SAMPLE)
    assert config.production
    assert config.acceptor.channels[5] == 2000
    assert who_has("246810", config.staff) == "Demo Staff"
    assert who_has("000000", config.staff) == ""


def test_all_errors_come_in_one_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path,
        ("/dev/lobby/acceptor", "/dev/ttyUSB0"),
        ('name = "Lobby 7"', 'nmae = "Lobby 7"'),
        ("baud = 38400", 'baud = "fast"'),
        ("[printer]", "[priner]"),
        ("production = true", "production = true\ncolour = 1"),
    )
    with pytest.raises(SystemExit) as stop:
        main(["check", "--config", str(path)])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    for part in ("acceptor.port", "kiosk.name: is missing", "kiosk.nmae: is not a known key", "colour", "printer: is"):
        assert part in said


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('https://billing.riverbend.example"\n# ca', 'http://billing.riverbend.example"\n# ca', "https is required"),
        ("idle_answer_s = 45", "idle_answer_s = 10", "at least 20 seconds"),
        ('camera = "/dev/lobby/camera"', 'camera = ""', "name a camera"),
    ],
)
def test_what_a_lobby_needs_is_required_in_production(tmp_path: Path, old: str, new: str, part: str) -> None:
    with pytest.raises(ConfigWrong) as wrong:
        load(write(tmp_path, (old, new)))
    assert part in str(wrong.value)


def test_control_and_headless_are_refused_in_production(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--config", str(SAMPLE), "--ui", "none", "--control", "x.sock"])
    assert stop.value.code == 2
    assert "refused when production" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["not toml [", "\x00"])
def test_what_is_no_toml_is_said_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigWrong):
        load(path)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigWrong):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize("pin", ["123", "12a4", "1" * 13, ""])
def test_a_pin_is_four_to_twelve_digits(pin: str) -> None:
    with pytest.raises(ValueError, match="4 to 12 digits"):
        hash_pin(pin)


def test_an_unknown_command_prints_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dance"]) == 2
    assert "kiosk enrol" in capsys.readouterr().err
