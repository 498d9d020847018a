"""The one grain of every fact."""

MINUTE = "1 minute"
