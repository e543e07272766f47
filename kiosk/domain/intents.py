"""What a person at the screen wants: the only thing the screen process may send."""

from dataclasses import dataclass

# Every intent by name, and what its `value` holds.
INTENTS = {
    "begin": "",
    "type_account": "",
    "key": "one of 0-9, 'back', 'clear'",
    "submit": "",
    "pay_full": "",
    "pay_past_due": "",
    "pay_other": "",
    "pay_again": "the same sum was paid just before, and is to be paid once more",
    "leave_it": "it is not",
    "add_bill": "one more account in the same payment",
    "pay_cash": "",
    "pay_card": "the whole by card, or what cash has left",
    "pay_check": "the whole by check, or a part",
    "check_in": "the check is in its slot",
    "cancel_check": "keep the check, and choose how to pay again",
    "agree_fee": "pay by card with the fee that is shown",
    "cancel_card": "ask the terminal to end the sale",
    "keep_partial": "keep a card's part payment and pay the rest otherwise",
    "refuse_partial": "undo a card's part payment",
    "allow_credit": "",
    "stop": "end putting in cash; asks for review when money is short",
    "put_in_more": "back from review to cash",
    "confirm": "",
    "back": "",
    "start_over": "",
    "help": "",
    "close_help": "",
    "more_time": "",
    "done": "",
    "reprint": "",
    "claim": "money is missing: open the claim page",
    "claim_what": "one of claim.WHATS",
    "claim_when": "one of claim.WHENS",
    "claim_note": "the value in cents of a note that was put in, or 'clear'",
    "claim_type": "type the amount in place of picking notes",
    "language": "a language code: en, es",
    "theme": "light, black or low_glare",
    "text_size": "0 to 3, or '' for the next one",
    "sound": "on, off or '' to toggle",
    "staff": "",
    "staff_health": "",
    "swap_cassette": "",
    "staff_cards": "",
    "close_batch": "the day end of the card terminal",
    "staff_refund": "give a card its money back",
    "refund_payment": "the receipt number of a payment",
    "refund_number": "type a receipt number",
    "refund_whole": "the reference of a card's sale, all that is left of it",
    "refund_part": "the reference of a card's sale, an amount of it",
    "refund_why": "one of refunds.WHYS",
    "staff_search": "a card transaction whose end nobody knows",
    "sign_out": "",
}


@dataclass(frozen=True)
class Intent:
    """One act of the person at the screen. ValueError if the name is not listed."""

    name: str
    value: str = ""

    def __post_init__(self) -> None:
        if self.name not in INTENTS:
            raise ValueError(f"unknown intent {self.name!r}")
