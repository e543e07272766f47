"""RFC 9457 problems: the kiosk branches on `type` and `retryable`, never on words."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"

# suffix: status, title, retryable
KINDS: dict[str, tuple[int, str, bool]] = {
    "malformed": (400, "Not what this endpoint takes", False),
    "signature-invalid": (401, "The signature is missing or wrong", True),
    "signature-stale": (401, "The signature was made too long ago or in the future", True),
    "enrolment-refused": (403, "The enrolment code is not valid", False),
    "kiosk-suspended": (403, "This kiosk is suspended", True),
    "scope": (403, "Not yours", False),
    "account-not-found": (404, "No account matches", False),
    "not-found": (404, "Nothing here", False),
    "method-not-allowed": (405, "This method is not for this address", False),
    "journal-gap": (409, "Records are missing before this one", True),
    "journal-fork": (409, "Another record holds this place", False),
    "too-large": (413, "Split the batch", False),
    "validation": (422, "A field is wrong", False),
    "slow-down": (429, "Too many misses", True),
    "busy": (503, "Try again", True),
    "unknown": (500, "The outcome is unknown", True),
}


@dataclass
class Problem(Exception):
    """An answer that is not a success. `members` are the extension members of docs/wire.md."""

    suffix: str
    detail: str = ""
    members: dict[str, Any] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        status, title, retryable = KINDS[self.suffix]
        content = {
            "type": f"/problems/{self.suffix}",
            "title": title,
            "status": status,
            "detail": self.detail or title,
            "retryable": retryable,
            **self.members,
        }
        response = HttpResponse(json.dumps(content), status=status, content_type=CONTENT_TYPE)
        if "retry_after_s" in self.members:
            response["Retry-After"] = str(self.members["retry_after_s"])
        return response
