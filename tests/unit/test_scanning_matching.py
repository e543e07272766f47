"""Every example of the barcode sheet, sections 3 to 9, decodes as stated there; damaged ones are refused."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from kiosk.domain.invoice import InvoiceReference
from kiosk.scanning.library import DEFAULT, load
from kiosk.scanning.matching import match, prefer
from kiosk.scanning.outcome import Match, Refused

TODAY = date(2026, 11, 23)
EVERY = load()
CITY = load(DEFAULT)
GS = "\x1d"


def riverbend(account: str = "1000441", bill: str = "0004417", cents: int = 5318, due: str = "261201") -> str:
    body = f"711{account}{luhn.calc_check_digit(account)}{bill}{cents:08d}{due}"
    return body + mod_97_10.calc_check_digits(body)


def lines(text: str) -> str:
    return text.replace("|", "\n")


SWISS_PLAIN = lines(
    "SPC|0200|1|CH5800791123000889012|S|Robert Schneider AG|Rue du Lac|1268|2501|Biel|CH||||||||3949.75|CHF|S|"
    "Pia Rutschmann|Marktgasse|28|9400|Rorschach|CH|NON||"
    "Bill no. 3139 for gardening work and disposal of waste material|EPD"
)
SWISS_QRR = lines(
    "SPC|0200|1|CH4431999123000889012|S|Robert Schneider AG|Rue du Lac|1268|2501|Biel|CH||||||||1949.75|CHF|S|"
    "Pia-Maria Rutschmann-Schnyder|Grosse Marktgasse|28|9400|Rorschach|CH|QRR|210000000003139471430009017|"
    "Order dated 18.06.2020|EPD|//S1/01/20170309/11/10201409/20/14000000/22/36958/30/CH106017086/40/1020/41/3010|"
    "UV;UltraPay005;12345|XY;XYService;54321"
)
EPC_TEXT = lines("BCD|002|1|SCT|BPOTBEB1|Red Cross|BE72000000001616|EUR1|||Urgency fund")
EPC_SHORT = lines("BCD|001|1|SCT|BFSWDE33BER|Wikimedia|DE33100205000001194700|EUR1337.99")
HUB3 = lines(
    "HRVHUB30|EUR|000000000010788||||SUNCANA VURA d.o.o.|Ulica 1|10000 Zagreb|HR4724840081100342768|HR00||COST|Voda"
)

EXAMPLES = [
    (
        "creditron",
        "code128",
        "003456789011102960000000000100000000010008",
        {"account": "00345678901", "due": "1996-11-02", "rate": "0000", "gross_minor": 1000, "amount_minor": 1000},
    ),
    (
        "gs1_slip",
        "gs1_128",
        f"41577099980137118020000010129389000011127135{GS}39000001168375{GS}9620111207",
        {
            "payee": "7709998013711",
            "reference": "000010129389000011127135",
            "amount_minor": 116837500,
            "due": "2011-12-07",
            "currency": "COP",
        },
    ),
    (
        "gs1_slip",
        "gs1_128",
        f"415770999872678980200000081324{GS}39000000131225{GS}9620200401",
        {"payee": "7709998726789", "reference": "0000081324", "amount_minor": 13122500, "due": "2020-04-01"},
    ),
    (
        "swiss_qr",
        "qr",
        SWISS_PLAIN,
        {"iban": "CH5800791123000889012", "amount_minor": 394975, "reference_type": "NON", "currency": "CHF"},
    ),
    (
        "swiss_qr",
        "qr",
        SWISS_QRR,
        {
            "iban": "CH4431999123000889012",
            "amount_minor": 194975,
            "reference": "210000000003139471430009017",
            "message": "Order dated 18.06.2020",
            "debtor": "Pia-Maria Rutschmann-Schnyder",
        },
    ),
    ("epc_qr", "qr", EPC_TEXT, {"iban": "BE72000000001616", "amount_minor": 100, "text": "Urgency fund"}),
    (
        "epc_qr",
        "qr",
        EPC_SHORT,
        {"iban": "DE33100205000001194700", "bic": "BFSWDE33BER", "name": "Wikimedia", "amount_minor": 133799},
    ),
    (
        "brazil_boleto",
        "itf",
        "10499898100000214032006561000100040099726390",
        {"bank": "104", "amount_minor": 21403, "factor": "8981", "due": "2022-05-10", "check": "9"},
    ),
    (
        "brazil_boleto",
        "typed",
        "10492006506100010004200997263900989810000021403",
        {"bank": "104", "amount_minor": 21403, "free": "2006561000100040099726390"},
    ),
    (
        "brazil_boleto",
        "itf",
        "34196790600001000002220000005566385101214000",
        {"bank": "341", "amount_minor": 100000, "check": "6"},
    ),
    (
        "brazil_boleto",
        "typed",
        "34192220090000556638551012140003679060000100000",
        {"bank": "341", "amount_minor": 100000, "check": "6"},
    ),
    (
        "brazil_slip",
        "itf",
        "83860000005096000190000008017823000034306271",
        {"segment": "power and gas", "amount_minor": 50960, "check": "6"},
    ),
    (
        "brazil_slip",
        "typed",
        "838600000050096000190009000801782309000343062712",
        {"segment": "power and gas", "amount_minor": 50960, "check": "6"},
    ),
    (
        "brazil_slip",
        "itf",
        "85820000000572503282035607082021053959190446",
        {"segment": "government", "amount_minor": 5725, "check": "2"},
    ),
    (
        "brazil_slip",
        "typed",
        "858200000007572503282030560708202107539591904460",
        {"segment": "government", "amount_minor": 5725, "check": "2"},
    ),
    (
        "finland_v4",
        "code128",
        "458101710000001220004829900000000559582243294671120131",
        {"iban": "FI5810171000000122", "amount_minor": 48299, "reference": "559582243294671", "due": "2012-01-31"},
    ),
    (
        "finland_v5",
        "code128",
        "502500046400013020006938061000000000698756720839110724",
        {"iban": "FI0250004640001302", "amount_minor": 69380, "reference": "RF61698756720839", "due": "2011-07-24"},
    ),
    (
        "pagopa",
        "qr",
        "PAGOPA|002|399000012345678900|83000390019|222250",
        {"notice": "399000012345678900", "payee": "83000390019", "amount_minor": 222250},
    ),
    (
        "pagopa",
        "qr",
        "PAGOPA|002|001340000013900808|12345678901|5000",
        {"notice": "001340000013900808", "payee": "12345678901", "amount_minor": 5000},
    ),
    (
        "hub3",
        "pdf417",
        HUB3,
        {"amount_minor": 10788, "payee": "SUNCANA VURA d.o.o.", "iban": "HR4724840081100342768", "purpose": "COST"},
    ),
    (
        "spayd",
        "qr",
        "SPD*1.0*ACC:CZ6508000000192000145399*AM:250.00*CC:CZK*RN:Jiri",
        {"iban": "CZ6508000000192000145399", "amount_minor": 25000, "currency": "CZK", "name": "Jiri"},
    ),
    (
        "spayd",
        "qr",
        "SPD*1.0*ACC:CZ2806000000000168540115*AM:450.00*CC:CZK*MSG:PLATBA ZA ZBOZI*X-VS:1234567890",
        {"amount_minor": 45000, "message": "PLATBA ZA ZBOZI", "variable": "1234567890"},
    ),
    ("belgium_ogm", "code128", "+++010/8068/17183+++", {"message": "010/8068/17183"}),
    ("clabe", "code128", "032180000118359719", {"bank": "032", "place": "180", "account": "00011835971", "check": "9"}),
    ("clabe", "code128", "002010077777777771", {"bank": "002", "account": "07777777777", "check": "1"}),
    (
        "gatewaylive_2120",
        "code128",
        "*21200333919008863000007265",
        {"biller": "2120", "reference": "0333919008863", "amount_minor": 7265},
    ),
    (
        "gatewaylive_096",
        "itf",
        "096533429100060000013470",
        {"biller": "096", "reference": "53342910006", "amount_minor": 13470},
    ),
]


@pytest.mark.parametrize(("profile", "symbology", "payload", "fields"), EXAMPLES)
def test_examples_of_the_sheet(profile: str, symbology: str, payload: str, fields: dict[str, str | int]) -> None:
    outcome = match(payload, symbology, EVERY, TODAY)
    assert isinstance(outcome, Match), outcome
    assert outcome.profile == profile
    assert {name: outcome.fields[name] for name in fields} == fields
    assert outcome.reference.scan == payload


def test_city_bill_becomes_a_reference() -> None:
    payload = riverbend()
    outcome = match(payload, "code128", CITY, TODAY)
    assert isinstance(outcome, Match)
    assert outcome.reference == InvoiceReference(
        "10004414", "riverbend", payload, invoice="0004417", printed_minor=5318, printed_due="2026-12-01"
    )


@given(st.integers(0, 9_999_999), st.integers(0, 99_999_999), st.dates(date(2020, 1, 1), date(2049, 12, 31)), st.data())
def test_no_single_error_in_a_city_bill_is_accepted(account: int, cents: int, due: date, data: st.DataObject) -> None:
    payload = riverbend(f"{account:07d}", cents=cents, due=due.strftime("%y%m%d"))
    assert isinstance(match(payload, "qr", CITY, TODAY), Match)
    at = data.draw(st.integers(0, 33))
    digit = data.draw(st.sampled_from([one for one in "0123456789" if one != payload[at]]))
    assert isinstance(match(payload[:at] + digit + payload[at + 1 :], "qr", CITY, TODAY), Refused)


@given(st.integers(0, 9_999_999), st.integers(0, 99_999_999), st.integers(0, 32))
def test_no_swap_of_neighbours_in_a_city_bill_is_accepted(account: int, cents: int, at: int) -> None:
    payload = riverbend(f"{account:07d}", cents=cents)
    swapped = payload[:at] + payload[at + 1] + payload[at] + payload[at + 2 :]
    expected = Match if swapped == payload else Refused
    assert isinstance(match(swapped, "qr", CITY, TODAY), expected)


# Formats whose check covers every digit: mod 10 and mod 11 over all, mod 97 or a table code over reference and account.
COVERED = [example for example in EXAMPLES if example[0] in ("creditron", "brazil_boleto", "brazil_slip", "clabe")]


@pytest.mark.parametrize(("profile", "symbology", "payload", "fields"), COVERED)
def test_any_altered_digit_is_refused(profile: str, symbology: str, payload: str, fields: object) -> None:
    accepted = []
    for at, digit in enumerate(payload):
        altered = payload[:at] + str((int(digit) + 3) % 10) + payload[at + 1 :]
        outcome = match(altered, symbology, load([profile]), TODAY)
        if isinstance(outcome, Match):
            accepted.append(at)
    assert accepted == []


@pytest.mark.parametrize(
    ("payload", "symbology", "code"),
    [
        (riverbend()[:-1] + "0", "qr", "check"),
        (riverbend()[:20], "code128", "short"),
        (riverbend() + "00", "code128", "short"),
        (riverbend(), "itf", "unknown"),
        (riverbend(due="261332"), "qr", "check"),
        ("755897201062022179.73", "code128", "unknown"),
        ("https://example.org/pay", "qr", "unknown"),
        ("", "qr", "unknown"),
        ("7111０004", "qr", "unknown"),  # a full-width digit is none
        ("0123456709498765432101234567891", "imb", "postal"),
        ("01234567094987654321", "", "postal"),
        ("AADTFFDFTDADTAADAATFDTDDAAADDTDTTDAFADADDDTFFFDDTTTADFAAADFTDAADA", "", "postal"),
        ("0001000200030004", "datamatrix", "postal"),
        ("420902109405511899223197428490", "gs1_128", "postal"),
        (EPC_TEXT, "qr", "unknown"),
    ],
)
def test_what_is_no_city_bill_has_its_reason(payload: str, symbology: str, code: str) -> None:
    outcome = match(payload, symbology, CITY, TODAY)
    assert isinstance(outcome, Refused)
    assert outcome.code == code
    assert not payload or payload not in outcome.detail


@pytest.mark.parametrize(
    ("profile", "symbology", "payload", "code"),
    [
        ("gs1_slip", "code128", "41577099980137118020000010129", "unknown"),  # without FNC1 it is no GS1 code
        ("gs1_slip", "gs1_128", "415770999801371280200000081324", "check"),
        ("gs1_slip", "gs1_128", "4157709998013711", "unknown"),  # 415 without 8020
        ("gs1_slip", "gs1_128", f"415770999801371180201{GS}3922100", "unknown"),  # a price of goods
        ("gs1_slip", "gs1_128", f"415770999801371180201{GS}390012{GS}390212", "unknown"),  # two amounts
        ("gs1_slip", "gs1_128", f"415770999801371180201{GS}12261301", "unknown"),  # biip finds no such element
        ("gs1_slip", "gs1_128", "(415)7709998013711(8020)000010", "unknown"),  # what is printed is not what is coded
        ("swiss_qr", "qr", SWISS_QRR.replace("009017", "009018"), "check"),
        (
            "swiss_qr",
            "qr",
            SWISS_QRR.replace("CH4431999", "CH5800791").replace("123000889012", "123000889012"),
            "check",
        ),
        ("swiss_qr", "qr", SWISS_PLAIN.replace("3949.75", "3949.7"), "check"),
        ("swiss_qr", "qr", SWISS_PLAIN.replace("0889012", "0889021"), "check"),
        ("swiss_qr", "qr", SWISS_PLAIN.replace("\nEPD", "\nXXX"), "unknown"),
        ("swiss_qr", "qr", SWISS_PLAIN.replace("Bill no.", "x" * 140), "unknown"),
        ("swiss_qr", "qr", "SPC\n0200", "short"),
        ("epc_qr", "qr", EPC_SHORT.replace("4700", "4701"), "check"),
        ("epc_qr", "qr", EPC_SHORT.replace("BFSWDE33BER", ""), "check"),  # version 001 needs a BIC
        ("epc_qr", "qr", EPC_SHORT.replace("EUR1337.99", "EUR0"), "check"),
        ("epc_qr", "qr", EPC_SHORT + "\n\nRF18539007547035\n", "check"),
        ("epc_qr", "qr", EPC_SHORT + "\n\nRF18539007547034\ntext", "unknown"),
        ("brazil_slip", "itf", "8386000000509600019000000801782300003430", "short"),  # the beam left the symbol early
        ("brazil_boleto", "typed", "10492006506100010004200997263900989810000021413", "check"),
        ("finland_v4", "code128", "458101710000001220004829900000000559582243294672120131", "check"),
        ("finland_v5", "code128", "502500046400013020006938061000000000698756720893110724", "check"),
        ("finland_v4", "code128", "45810171000000122000482990000000055958224329467112013", "short"),
        ("hub3", "pdf417", HUB3.replace("2768", "2786"), "check"),
        ("hub3", "pdf417", "HRVHUB30\nEUR", "short"),
        ("spayd", "qr", "SPD*1.0*ACC:CZ6508000000192000145398*AM:250.00", "check"),
        ("spayd", "qr", "SPD*1.0*ACC:CZ6508000000192000145399*AM:250.00*CRC32:00000000", "check"),
        ("spayd", "qr", "SPD*1.0*ACC:CZ6508000000192000145399*DT:20261399", "check"),
        ("spayd", "qr", "SPD*1.0*AM:250.00", "short"),
        ("belgium_ogm", "code128", "+++010/8068/17180+++", "check"),
        ("clabe", "code128", "032180000118359791", "check"),
        ("pagopa", "qr", "PAGOPA|001|399000012345678900|83000390019|222250", "unknown"),
    ],
)
def test_what_a_format_refuses(profile: str, symbology: str, payload: str, code: str) -> None:
    outcome = match(payload, symbology, load([profile]), TODAY)
    assert isinstance(outcome, Refused)
    assert outcome.code == code


def test_spayd_with_its_checksum_and_escapes() -> None:
    # CRC-32 bit by bit (ISO 3309), over the keys in alphabetical order.
    text = b"SPD*1.0*ACC:CZ6508000000192000145399*AM:250.00*MSG:A%2AB"
    register = 0xFFFFFFFF
    for byte in text:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    payload = f"SPD*1.0*MSG:A%2AB*ACC:CZ6508000000192000145399*AM:250.00*CRC32:{register ^ 0xFFFFFFFF:08X}"
    outcome = match(payload, "qr", load(["spayd"]), TODAY)
    assert isinstance(outcome, Match)
    assert outcome.fields["message"] == "A*B"


def test_norma_60_layout_and_control() -> None:
    profile = load(["norma60_521"])[0]
    example = "905211234561234567890121234568790000010000"
    raw = profile.split(example)
    assert (raw["issuer"], raw["reference"], raw["control"]) == ("123456", "1234567890", "12")
    assert (raw["identification"], raw["amount_minor"]) == ("1234568790", "00001000")
    assert match(example, "code128", [profile], TODAY).code == "check"  # type: ignore[union-attr]
    # By decimals, as the sheet words it: the first two of N / 97, taken from 99.
    number = Decimal(76 * 123456 + 9 * 1234567890 + 55 * (1234568790 - 1 + 1000))
    decimals = int(number / 97 % 1 * 100)
    control = f"{99 - decimals:02d}"
    outcome = match(example[:21] + control + example[23:], "code128", EVERY, TODAY)
    assert isinstance(outcome, Match)
    assert outcome.fields["amount_minor"] == 1000


def test_boleto_factor_means_the_date_nearest_today() -> None:
    payload = "10499898100000214032006561000100040099726390"
    later = match(payload, "itf", EVERY, date(2046, 1, 1))
    assert isinstance(later, Match)
    assert later.fields["due"] == "2046-12-30"


@pytest.mark.parametrize(
    ("text", "due"), [("260200", "2026-02-28"), ("280200", "2028-02-29"), ("261215", "2026-12-15")]
)
def test_gs1_day_zero_is_the_last_of_the_month(text: str, due: str) -> None:
    outcome = match(f"415770999801371180201{GS}390212345{GS}12{text}", "gs1_128", EVERY, TODAY)
    assert isinstance(outcome, Match)
    assert (outcome.fields["due"], outcome.fields["amount_minor"]) == (due, 12345)


def test_two_profiles_that_fit_are_a_fault_of_the_configuration() -> None:
    twice = (*CITY, *CITY)
    assert match(riverbend(), "qr", twice, TODAY) == Refused("ambiguous", "fits riverbend and riverbend")


class Seen:
    def __init__(self, payload: str, symbology: str) -> None:
        self.payload = payload
        self.symbology = symbology


def test_of_several_codes_the_one_that_fits_comes_first() -> None:
    seen = [Seen("00010002", "datamatrix"), Seen("4006381333931", "ean13"), Seen(riverbend(), "qr")]
    order = [reading.symbology for reading, _ in prefer(seen, CITY, TODAY)]
    assert order == ["qr", "ean13", "datamatrix"]


@given(st.text(max_size=120), st.sampled_from(["", "qr", "gs1_128", "itf", "code128", "pdf417", "typed"]))
def test_no_text_raises(payload: str, symbology: str) -> None:
    assert isinstance(match(payload, symbology, EVERY, TODAY), Match | Refused)


@given(st.sampled_from([example[2] for example in EXAMPLES]), st.data())
def test_no_mangled_example_raises(payload: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(payload)))
    cut = data.draw(st.integers(0, 6))
    mangled = payload[:at] + data.draw(st.text(max_size=4)) + payload[at + cut :]
    assert isinstance(match(mangled, "", EVERY, TODAY), Match | Refused)
