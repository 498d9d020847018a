"""What a category is called: one text for it, however it was typed."""

import unicodedata


def normal_category(text: str) -> str:
    """A path without leading, trailing and doubled slashes, '' for only slashes, which is no category. Composed (NFC):
    a keyboard that sends letters and marks apart means the same category."""
    if "/" in text:
        text = "/".join(filter(None, text.split("/")))
    return text if text.isascii() else unicodedata.normalize("NFC", text)
