"""The server's signed promise that it holds our chain up to a record (docs/wire.md, `POST /v1/journal`)."""

import json
from base64 import b64decode
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class NotAnAcknowledgement(ValueError):
    """The text is not an acknowledgement, or not signed by the pinned server key."""


@dataclass(frozen=True)
class Acknowledgement:
    """`text` are the signed bytes as received, `sig` their signature in base64."""

    kiosk_id: str
    epoch: int
    head_seq: int
    head_hash: str
    server_time: str
    text: str
    sig: str


def read(text: str, sig: str, server_key: Ed25519PublicKey | None) -> Acknowledgement:
    """Check and take apart an acknowledgement. Raises NotAnAcknowledgement.

    Without `server_key` the signature is not checked: only for a reader that has no enrolment at hand.
    """
    try:
        if server_key is not None:
            server_key.verify(b64decode(sig, validate=True), text.encode())
        content = json.loads(text)
        ack = Acknowledgement(
            content["kiosk_id"],
            content["epoch"],
            content["head_seq"],
            content["head_hash"],
            content["server_time"],
            text,
            sig,
        )
    except InvalidSignature as error:
        raise NotAnAcknowledgement("not signed by the pinned server key") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAnAcknowledgement(f"unreadable: {error!r}") from error
    texts = (ack.kiosk_id, ack.head_hash, ack.server_time)
    if not all(isinstance(text, str) for text in texts) or type(ack.epoch) is not int or type(ack.head_seq) is not int:
        raise NotAnAcknowledgement("a field has the wrong type")
    if ack.head_seq < 0:
        raise NotAnAcknowledgement(f"head_seq {ack.head_seq}")
    return ack
