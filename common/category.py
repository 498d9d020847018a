"""What a category is called: one text for it, however it was typed."""

import unicodedata


def normal_category(text: str) -> str:
    """Composed (NFC): a keyboard that sends letters and marks apart means the same category."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
