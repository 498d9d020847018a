"""What /openapi.json says of errors: the codes that are really answered, each with the one shape of all errors.

FastAPI describes a 422 of its own on every route with parameters; here bad input is 400 (`serving.errors`).
"""

from typing import Any

from fastapi import FastAPI

from serving.schemas import ErrorBody

UNUSED = ("HTTPValidationError", "ValidationError")
WHEN = {
    400: "bad input; `details` name the field",
    401: "no known key, where keys are configured",
    403: "a key without the scope",
    404: "there is no such thing; the message says what there is",
    413: "the body is too large",
    415: "an encoding other than gzip, a charset other than utf-8",
    429: "too many requests of one address",
    500: "a bug; the log has its type and place",
    503: "a store does not answer; ask again",
}
LATER = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
Responses = dict[int | str, dict[str, Any]]


def errors(*codes: int) -> Responses:
    """These codes as a route's `responses`."""
    return {
        code: {"model": ErrorBody, "description": WHEN[code]} | ({"headers": LATER} if code in (429, 503) else {})
        for code in codes
    }


class Described(FastAPI):
    """FastAPI without the 422 that is never answered."""

    def openapi(self) -> dict[str, Any]:
        """The description, made once."""
        if self.openapi_schema is None:
            made = super().openapi()
            for methods in made["paths"].values():
                for operation in methods.values():
                    operation["responses"].pop("422", None)
            for name in UNUSED:
                made["components"]["schemas"].pop(name, None)
        return super().openapi()
