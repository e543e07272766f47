"""GS1 payment slip: pay-to number, reference, amount and due date as element strings (sheet 4)."""

import re
from collections.abc import Mapping
from datetime import date

from kiosk.scanning import dates
from kiosk.scanning.formats.text import expect, iban
from kiosk.scanning.outcome import Fields, Misfit

_AMOUNT = re.compile(r"39[01][0-9]")
# Prices of weighed goods and price per unit: a label of the grocer's scales, not a slip.
_GOODS = re.compile(r"39[23][0-9]|8005")


def parse(payload: str, options: Mapping[str, str], today: date) -> Fields:
    """Return payee, reference, amount_minor, due, iban of an element string (GS between variable fields).

    Option `pay_by` names the company AI that holds a last payment date as YYYYMMDD (Colombia: 96).
    """
    elements = _elements(payload)
    expect({"415", "8020"} <= elements.keys(), "unknown", "no payment slip: 415 and 8020 come together")
    expect(not any(_GOODS.fullmatch(ai) for ai in elements), "unknown", "a price of goods is no amount payable")
    fields: Fields = {"payee": elements["415"], "reference": elements["8020"]}
    amounts = [ai for ai in elements if _AMOUNT.fullmatch(ai)]
    expect(len(amounts) <= 1, "unknown", "more than one amount")
    if amounts:
        fields |= _amount(amounts[0], elements[amounts[0]])
    if "8007" in elements:
        fields["iban"] = iban(elements["8007"])
    due = _due(elements, options.get("pay_by", ""), today)
    return fields | ({"due": due} if due else {})


def _elements(payload: str) -> dict[str, str]:
    # The AI tables of biip take 12 MB of memory; they are read when the first such code comes.
    from biip import ParseError
    from biip.gs1_messages import GS1Message

    try:
        message = GS1Message.parse(payload)
    except (ParseError, ValueError) as error:
        raise Misfit("unknown", "no GS1 element string") from error
    elements = {element.ai.ai: element.value for element in message.element_strings}
    expect(len(elements) == len(message.element_strings), "unknown", "an element appears twice")
    for element in message.element_strings:
        expect(element.gln_error is None, "check", "check digit of the payee's number")
    return elements


def _amount(ai: str, value: str) -> Fields:
    """390n is in the home currency; 391n starts with the ISO 4217 number. n counts the decimals."""
    currency: Fields = {}
    if ai.startswith("391"):
        currency, value = {"currency_number": value[:3]}, value[3:]
    decimals = int(ai[3])
    scaled = int(value) * 100
    expect(scaled % 10**decimals == 0, "unknown", "an amount in parts of a cent")
    return currency | {"amount_minor": scaled // 10**decimals}


def _due(elements: Mapping[str, str], pay_by: str, today: date) -> str:
    try:
        if "12" in elements:
            return dates.gs1(elements["12"], today)
        return dates.parse(elements[pay_by], "YYYYMMDD", today) if pay_by in elements else ""
    except ValueError as error:
        raise Misfit("check", "due date") from error
