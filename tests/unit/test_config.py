"""Goal: a wrong configuration is refused with every error at once, in words a clerk can act on."""

from pathlib import Path

import pytest

from hardware.acceptors.families import FAMILIES
from hardware.scanner.camera import SCHEMES
from kiosk.__main__ import main
from kiosk.config.load import absent_devices, load
from kiosk.config.model import ACCEPTOR_BAUDS, CAMERAS, PROFILES
from kiosk.config.wrong import ConfigWrong
from kiosk.engine.pins import hash_pin, who_has
from kiosk.scanning.library import BUILT_IN

DEMO_FEES = Path(__file__).parents[2] / "assets" / "fees" / "demo.toml"
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
        ('camera = "v4l2:/dev/lobby/camera"', 'camera = ""', "name a camera"),
    ],
)
def test_what_a_lobby_needs_is_required_in_production(tmp_path: Path, old: str, new: str, part: str) -> None:
    with pytest.raises(ConfigWrong) as wrong:
        load(write(tmp_path, (old, new)))
    assert part in str(wrong.value)


def test_what_a_lobby_needs_stands_in_the_same_list_as_all_else(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        ("idle_s = 120", 'idle_s = "long"'),
        ("idle_answer_s = 45", "idle_answer_s = 10"),
        ("production = true", "production = true\nallow_volatile_state = true\ncolour = 1"),
        ('camera = "v4l2:/dev/lobby/camera"', 'camera = ""'),
        ('[server]\nurl = "https:', '[server]\nurl = "http:'),
    )
    with pytest.raises(ConfigWrong) as wrong:
        load(path)
    said = [line.partition(": ")[0] for line in wrong.value.errors]
    assert sorted(said) == [
        *("allow_volatile_state", "colour", "reader", "server.url", "times.idle_answer_s", "times.idle_s")
    ]


def test_a_reader_that_is_not_there_at_all_is_missed_in_production(tmp_path: Path) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    start, end = text.index("[reader]"), text.index("[screen]")
    (tmp_path / "kiosk.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(ConfigWrong, match="reader: name a camera"):
        load(tmp_path / "kiosk.toml")


def test_a_mistake_in_production_makes_no_rule_softer(tmp_path: Path) -> None:
    changes = ("production = true", 'production = "never"'), ("idle_answer_s = 45", "idle_answer_s = 10")
    with pytest.raises(ConfigWrong) as wrong:
        load(write(tmp_path, *changes))
    assert [line.partition(":")[0] for line in wrong.value.errors] == ["times.idle_answer_s", "production"]


def test_a_trial_may_do_without_what_a_lobby_needs(tmp_path: Path) -> None:
    changes = ("production = true", "production = false"), ("idle_answer_s = 45", "idle_answer_s = 1")
    assert load(write(tmp_path, *changes)).times.idle_answer_s == 1


@pytest.mark.parametrize(
    "camera", ["/dev/lobby/camera", "picamera2", "v4l2:", "folder:", "picamera2:0", "usb:1", "v4l2"]
)
def test_what_no_camera_can_be_opened_by_is_refused(tmp_path: Path, camera: str) -> None:
    with pytest.raises(ConfigWrong, match=r'reader\.camera: a camera is "v4l2:'):
        load(write(tmp_path, ("v4l2:/dev/lobby/camera", camera)))


@pytest.mark.parametrize("camera", ["v4l2:/dev/lobby/camera", "picamera2:", "folder:/srv/pictures"])
def test_each_kind_of_camera_is_taken(tmp_path: Path, camera: str) -> None:
    assert load(write(tmp_path, ("v4l2:/dev/lobby/camera", camera))).reader.camera == camera


def test_the_configuration_knows_the_cameras_and_profiles_that_the_reader_knows() -> None:
    assert (CAMERAS, PROFILES) == (SCHEMES, BUILT_IN)


def test_the_configuration_knows_the_speeds_of_acceptors(tmp_path: Path) -> None:
    assert {name: ACCEPTOR_BAUDS.get(name, (9600,)) for name in FAMILIES} == {
        name: family.bauds for name, family in FAMILIES.items()
    }
    usual, fast = 'protocol = "ebds"\nprofile = "mei-sc"', 'protocol = "ccnet"\nbaud = 19200'
    assert load(write(tmp_path, (usual, fast))).acceptor.baud == 19200
    with pytest.raises(ConfigWrong, match="ebds runs at 9600, not 19200"):
        load(write(tmp_path, ("# baud = 19200", "baud = 19200")))


def test_an_unknown_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigWrong, match="there is no profile springfield"):
        load(write(tmp_path, ('profiles = ["riverbend"]', 'profiles = ["springfield"]')))


def devices(folder: Path) -> tuple[tuple[str, str], ...]:
    """Return changes to the sample that put every device file into `folder`."""
    return (
        ("/dev/lobby/acceptor", str(folder / "acceptor")),
        ("/dev/lobby/printer", str(folder / "printer")),
        ("/dev/lobby/camera", str(folder / "camera")),
        ('imager = ""', f'imager = "{folder / "imager"}"'),
        ('wedge = ""', f'wedge = "{folder / "wedge"}"'),
    )


def test_check_names_each_device_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, *devices(tmp_path))
    keys = {"acceptor": "acceptor.port", "printer": "printer.address"}
    keys |= {name: f"reader.{name}" for name in ("camera", "imager", "wedge")}
    for name, key in keys.items():
        with pytest.raises(SystemExit) as stop:
            main(["check", "--config", str(path), "--devices"])
        assert stop.value.code == 2
        assert f"{key}: {tmp_path / name} is not there" in capsys.readouterr().err
        (tmp_path / name).touch()
    assert main(["check", "--config", str(path), "--devices"]) == 0


def test_devices_and_mistakes_stand_in_one_list(tmp_path: Path) -> None:
    path = write(tmp_path, *devices(tmp_path), ("columns = 42", "columns = 41"))
    with pytest.raises(ConfigWrong) as wrong:
        load(path, devices=True)
    said = [line.partition(":")[0] for line in wrong.value.errors]
    assert said == [
        *("printer.columns", "acceptor.port", "printer.address"),
        *(f"reader.{n}" for n in ("camera", "imager", "wedge")),
    ]


def test_without_asking_no_device_must_be_there(tmp_path: Path) -> None:
    assert main(["check", "--config", str(write(tmp_path, *devices(tmp_path)))]) == 0


@pytest.mark.parametrize(
    "content", [{}, {"acceptor": 5}, {"acceptor": {"port": 7}, "printer": [], "reader": {"camera": 1}}]
)
def test_devices_are_looked_for_in_any_file(content: dict[str, object]) -> None:
    assert absent_devices(content) == []


def test_a_network_printer_is_no_file() -> None:
    assert absent_devices({"printer": {"kind": "network", "address": "10.0.0.9:9100"}}) == []


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


def test_the_fees_that_a_configuration_names_are_read_and_their_errors_are_its_own(tmp_path: Path) -> None:
    fees = tmp_path / "fees.toml"
    card = f'[card]\nprotocol = "pax"\naddress = "127.0.0.1:10009"\nfees = "{fees}"\ncategory = "9311"\n\n[printer]'
    path = write(tmp_path, ("[printer]", card))
    with pytest.raises(ConfigWrong, match=r"card\.fees: .*fees\.toml"):
        load(path)
    fees.write_text('[[rule]]\nname = "A"\nprogramme = "none"\n')
    with pytest.raises(ConfigWrong, match=r"card\.fees: rule 1: valid_from is missing"):
        load(path)
    fees.write_text(DEMO_FEES.read_text())
    loaded = load(path).card
    assert loaded is not None
    assert (loaded.fees, loaded.category) == (fees, "9311")
    with pytest.raises(ConfigWrong, match=r"card\.category"):
        load(write(tmp_path, ("[printer]", card.replace("9311", "tax"))))
