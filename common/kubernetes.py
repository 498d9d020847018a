"""Variables that Kubernetes gives every container for each Service of its namespace.

A Service called `stylestream`, or `stylestream-…`, makes some that begin like ours. They are its own form, and no
key of the configuration.
"""

import re

# NAME is upper case with single underscores: an own section is set apart by two.
_NAME = r"(?:_[A-Z0-9]+)*"
_NUMBER = r"[0-9]{1,5}"
_ADDRESS = r"(?:tcp|udp|sctp)://\S+"
_FORMS = (
    (rf"{_NAME}_SERVICE_HOST", r"\S*"),
    (rf"{_NAME}_SERVICE_PORT(?:_[A-Z0-9]+)*", _NUMBER),
    (rf"{_NAME}_PORT", _ADDRESS),
    (rf"{_NAME}_PORT_{_NUMBER}_(?:TCP|UDP|SCTP)", _ADDRESS),
    (rf"{_NAME}_PORT_{_NUMBER}_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR)", r"\S*"),
)
_ANY = [(re.compile(f"STYLESTREAM{name}"), re.compile(value)) for name, value in _FORMS]


def made_by_kubernetes(name: str, value: str) -> bool:
    """Whether the variable is one that a Service makes, by its name and by what such a one holds."""
    return any(form.fullmatch(name) and held.fullmatch(value) for form, held in _ANY)
