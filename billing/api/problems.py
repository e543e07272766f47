"""RFC 9457 problems: the kiosk branches on `type` and `retryable`, never on words."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One problem type, and what a kiosk does when it meets it."""

    status: int
    title: str
    retryable: bool
    action: str


KINDS = {
    "malformed": Kind(400, "Not a record of this journal", False, "freeze: no new money; staff open a new epoch"),
    "signature-invalid": Kind(401, "The signature is missing or wrong", True, "sign anew once, then alarm"),
    "signature-stale": Kind(401, "Signed too long ago or in the future", True, "take server_time as offset, sign anew"),
    "enrolment-refused": Kind(403, "The enrolment code is not valid", False, "ask the technician for a fresh code"),
    "kiosk-suspended": Kind(403, "This kiosk is suspended", True, "no look-ups and no new money; go on posting"),
    "scope": Kind(403, "Not yours", False, "alarm: a fault in the program"),
    "account-not-found": Kind(404, "No account matches", False, "ask the resident again"),
    "not-found": Kind(404, "Nothing here", False, "alarm: a fault in the program"),
    "method-not-allowed": Kind(405, "This method is not for this address", False, "alarm: a fault in the program"),
    "journal-gap": Kind(409, "Records are missing before this one", True, "send again from expected_seq"),
    "journal-fork": Kind(409, "Another record holds this place", False, "freeze: finish the payment, no new money"),
    "too-large": Kind(413, "The request is too large", False, "send fewer records at once"),
    "validation": Kind(422, "A field is wrong", False, "keep the records, alarm, try again slowly"),
    "slow-down": Kind(429, "Too many misses", True, "wait retry_after_s; staff can look the account up"),
    "unknown": Kind(500, "The outcome is unknown", True, "send the same again, for ever, with back-off"),
    "busy": Kind(503, "Try again", True, "send the same again after retry_after_s"),
}


@dataclass
class Problem(Exception):
    """An answer that is not a success. `members` are the extension members of docs/wire.md."""

    suffix: str
    detail: str = ""
    members: dict[str, Any] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        kind = KINDS[self.suffix]
        content = {
            "type": f"/problems/{self.suffix}",
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail or kind.title,
            "retryable": kind.retryable,
            **self.members,
        }
        response = HttpResponse(json.dumps(content), status=kind.status, content_type=CONTENT_TYPE)
        if "retry_after_s" in self.members:
            response["Retry-After"] = str(self.members["retry_after_s"])
        return response
