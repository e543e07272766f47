"""What the Stripe twin's cards say on a receipt, and how they are declined."""

from typing import Any

Json = dict[str, Any]

# brand, last four, read method, application, AID, how the holder was verified
CARDS = {
    "visa": ("visa", "4242", "contactless_emv", "Visa Credit", "A0000000031010", "none"),
    "visa_chip": ("visa", "0119", "contact_emv", "VISA DEBIT", "A0000000980840", "online_pin"),
    "mastercard": ("mastercard", "4444", "contact_emv", "Mastercard", "A0000000041010", "offline_pin"),
    "amex": ("amex", "0005", "contact_emv", "AMERICAN EXPRESS", "A000000025010801", "signature"),
    "debit_network": ("unknown", "6200", "contact_emv", "US Debit", "A0000006200620", "none"),
    "swiped": ("discover", "1117", "magnetic_stripe_track2", "", "", "none"),
    "fallback": ("jcb", "0505", "magnetic_stripe_fallback", "", "", "none"),
    "phone": ("visa", "1881", "contactless_emv", "Visa Credit", "A0000000031010", "on_device"),
}
# How an issuer can answer; the declines by their decline codes.
OUTCOMES = ("approve", "partial", "generic_decline", "insufficient_funds", "expired_card", "stolen_card")


def charge(number: int, intent: Json, card: str, reader: str, decline: str = "") -> Json:
    """Return a charge object."""
    brand, last4, method, application, aid, verified = CARDS[card]
    chip = {
        "account_type": "credit",
        "application_cryptogram": "F692C2F753EAFAB3",
        "application_preferred_name": application,
        "authorization_code": "00767J" if not decline else None,
        "authorization_response_code": "3030" if not decline else "3035",
        "cardholder_verification_method": verified,
        "dedicated_file_name": aid,
        "terminal_verification_results": "0000008000",
        "transaction_status_information": "E800",
    }
    present = {
        "brand": brand,
        "cardholder_name": "DOE/JANE",
        "exp_month": 11,
        "exp_year": 2031,
        "fingerprint": "Xt5EWLLDS7FJjR1c",
        "last4": last4,
        "read_method": method,
        "reader": reader,
        "receipt": chip if aid else None,
    }
    return {
        "id": f"ch_Twin{number:06d}",
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if decline else intent["amount_received"],
        "failure_code": "card_declined" if decline else None,
        "payment_method_details": {"type": "card_present", "card_present": present},
        "status": "failed" if decline else "succeeded",
    }


def refused(decline: str) -> Json:
    """Return the last_payment_error of a decline."""
    return {
        "code": "card_declined",
        "decline_code": decline,
        "message": "Your card was declined.",
        "type": "card_error",
    }
