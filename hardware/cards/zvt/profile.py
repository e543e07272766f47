"""How a terminal is connected and set up."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Profile:
    """`serial`: frames on a serial line, else messages over TCP. `terminal_id` is the one expected, "" for any.

    `password` is the merchant's, six digits, from the configuration store. `nothing_stored` are the codes by which
    the terminal says that it has no transaction to repeat; with any other the answer is "unknown".
    """

    serial: bool = False
    password: str = field(default="000000", repr=False)
    terminal_id: str = ""
    currency: str = "USD"
    goods_s: int = 60  # how long the terminal waits for us before it reverses
    waits: int = 10  # how often it may be told to wait
    nothing_stored: frozenset[int] = frozenset({0xFB})
