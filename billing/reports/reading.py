"""Reading stored records for the papers."""

import json
from typing import Any


def body_of(entry: str) -> dict[str, Any]:
    """Return a record's body, {} if it is no object."""
    content = json.loads(entry)
    body = content.get("body") if isinstance(content, dict) else None
    return body if isinstance(body, dict) else {}
