"""Errors that a person reads: one line that says what is wrong and what to do. No stack trace is shown."""


class StylestreamError(Exception):
    """Base of every error with a one-line message for the user; `exit_code` is what the command returns."""

    exit_code = 1


class ConfigError(StylestreamError):
    """The configuration does not fit: names the file or variable, the key and what is allowed."""

    exit_code = 2


class MissingRequirementError(StylestreamError):
    """Something the machine must have is missing or too old (Java, a jar, a port, disk)."""

    exit_code = 3


class UnavailableError(StylestreamError):
    """Kafka, Redis or the lake cannot be reached or lacks what is asked for."""

    exit_code = 4
