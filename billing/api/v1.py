"""The API as a whole: /v1, its OpenAPI file, and how errors become problems."""

import logging
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from billing.api import accounts, device, money
from billing.api.exchange import KioskSignature
from billing.api.problems import CONTENT_TYPE, KINDS, Problem

log = logging.getLogger("billing.api")

_PROBLEM = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}

_DESCRIPTION = """What kiosks and the city's billing server say to each other.

Posting is atomic with the journal head. A kiosk reads what it has written. Balances are as of `as_of` and come from
the primary. Money is never refused: what cannot be placed is booked to suspense.

Problem types, and what a kiosk does. No other 4xx may lose money: keep the records, alarm, try slowly.

{types}
""".format(types="\n".join(f"- `{suffix}` ({kind.status}): {kind.action}" for suffix, kind in KINDS.items()))


class BillingAPI(NinjaAPI):
    def get_openapi_schema(self, **options: Any) -> Any:
        """Return the OpenAPI document, with every error an operation can give, under the errors' own content type."""
        document = super().get_openapi_schema(**options)
        for path in document["paths"].values():
            for operation in path.values():
                responses = operation["responses"]
                for status in _common_errors(operation):
                    responses.setdefault(status, {"description": HTTPStatus(int(status)).phrase, "content": _PROBLEM})
                for status, response in responses.items():
                    if int(status) >= 400:
                        response["content"] = _PROBLEM
        return document


def _common_errors(operation: dict[str, Any]) -> list[str]:
    """Return the statuses that come before the operation itself: signature, size, shape of body and path."""
    errors = ["401"] if operation.get("security") else []
    if "requestBody" in operation:
        errors += ["413", "422"]
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
        errors += ["404", "422"]
    return errors


api = BillingAPI(
    title="City billing",
    version="1",
    description=_DESCRIPTION,
    auth=KioskSignature(),
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="v1",
)
api.add_router("", device.router)
api.add_router("", accounts.router)
api.add_router("", money.router)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problem.response()


@api.exception_handler(ValidationError)
def _validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"pointer": _pointer(item["loc"]), "code": str(item["type"])} for item in error.errors]
    return Problem("validation", members={"errors": errors}).response()


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    # The body is no JSON at all. "malformed" is kept for records: it freezes the kiosk.
    return Problem("validation", str(error), {"errors": [{"pointer": "", "code": "json"}]}).response()


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return Problem("unknown").response()


def _pointer(location: tuple[Any, ...]) -> str:
    """Return a JSON pointer: ninja's location begins with where it looked and the parameter's name."""
    parts = location[2:] if location[:1] == ("body",) else location[1:]
    return "/" + "/".join(str(part) for part in parts)
