"""Layouts that need code: a parser takes payload, options and today, and returns fields or raises Misfit."""

from collections.abc import Callable, Mapping
from datetime import date

from kiosk.scanning.formats import brazil, epc, finland, gs1, hub3, spayd, swiss
from kiosk.scanning.outcome import Fields

Parser = Callable[[str, Mapping[str, str], date], Fields]

# What a profile's `format` may name.
FORMATS: dict[str, Parser] = {
    "brazil_boleto": brazil.boleto,
    "brazil_slip": brazil.slip,
    "epc_qr": epc.parse,
    "finland": finland.parse,
    "gs1_slip": gs1.parse,
    "hub3": hub3.parse,
    "spayd": spayd.parse,
    "swiss_qr": swiss.parse,
}
