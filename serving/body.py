"""The body of a request, as its headers say that it is written: at most so many bytes, plain or gzip, in UTF-8.

The limit counts what is unpacked, and unpacking ends where it is passed: a small body that would become a huge one
costs no more than one that is as large as allowed.
"""

import zlib
from email.message import Message

from starlette.requests import Request

from serving.errors import ApiError

GZIP = 16 + zlib.MAX_WBITS  # how zlib calls the format
MOST_MEMBERS = 100  # of one gzip body; empty ones take time and unpack to nothing
PACKED_EXTRA = 1024  # bytes, and one in a hundred: what gzip may add to what cannot be packed


async def read_body(request: Request, limit: int) -> bytes:
    """The body, unpacked; 413 as soon as it is known to be longer than `limit` bytes, 415 for another encoding than
    gzip or another charset than UTF-8, 400 for damaged gzip."""
    refuse_other_charsets(request.headers.get("content-type", ""))
    unpack = Gunzip(limit) if packed(request) else Plain(limit)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > unpack.most:
        raise too_large(limit)
    chunks = [unpack.more(chunk) async for chunk in request.stream()]
    unpack.end()
    return b"".join(chunks)


def packed(request: Request) -> bool:
    """Whether the body is gzip; 415 where it is neither that nor plain."""
    given = ", ".join(request.headers.getlist("content-encoding")).strip().lower()
    if given in ("", "identity"):
        return False
    if given in ("gzip", "x-gzip"):
        return True
    message = f"Content-Encoding is {given[:64]!r}; gzip is taken, or none"
    raise ApiError(415, "unsupported_media_type", message, None, {"Accept-Encoding": "gzip"})


def refuse_other_charsets(content_type: str) -> None:
    """415 where a Content-Type names another charset than UTF-8; JSON has no other (RFC 8259)."""
    if "charset" not in content_type.lower():
        return
    header = Message()
    header["content-type"] = content_type
    charset = str(header.get_param("charset", "utf-8")).strip()
    if charset.lower() not in ("utf-8", "utf8"):
        raise ApiError(415, "unsupported_media_type", f"the charset is {charset[:64]!r}; JSON is UTF-8")


def too_large(limit: int) -> ApiError:
    """413 with the limit."""
    return ApiError(413, "too_large", f"the body must be at most {limit} bytes, unpacked where it is gzip")


class Plain:
    """A body as it comes; `most` is the longest that may be sent."""

    def __init__(self, limit: int) -> None:
        self.most = self._room = limit

    def more(self, chunk: bytes) -> bytes:
        """The next part; 413 where the whole becomes too long."""
        self._room -= len(chunk)
        if self._room < 0:
            raise too_large(self.most)
        return chunk

    def end(self) -> None:
        """Nothing more comes."""


class Gunzip:
    """Unpacks gzip as it comes, of one member or of several; `most` is the longest that may be sent."""

    def __init__(self, limit: int) -> None:
        self.most = limit + limit // 100 + PACKED_EXTRA
        self._limit = self._room = limit
        self._sent = Plain(self.most)
        self._member = zlib.decompressobj(GZIP)
        self._members, self._begun = 1, False

    def more(self, chunk: bytes) -> bytes:
        """What the next part unpacks to; 413 where the whole becomes too long, 400 where it is damaged."""
        try:
            self._sent.more(chunk)
        except ApiError:
            raise too_large(self._limit) from None
        parts = []
        while chunk:
            if self._member.eof:
                self._next()
            self._begun = True
            parts.append(self._unpacked(chunk))
            chunk = self._member.unused_data
        return b"".join(parts)

    def end(self) -> None:
        """400 where the end is missing."""
        if not self._begun:
            raise damaged("it is empty")
        if not self._member.eof:
            raise damaged("it ends too early")

    def _next(self) -> None:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise damaged(f"it has more than {MOST_MEMBERS} members")
        self._member = zlib.decompressobj(GZIP)

    def _unpacked(self, chunk: bytes) -> bytes:
        try:
            part = self._member.decompress(chunk, self._room + 1)  # one byte too many shows that there is more
        except zlib.error as error:
            raise damaged(str(error).rpartition(": ")[2]) from None
        self._room -= len(part)
        if self._room < 0:
            raise too_large(self._limit)
        return part


def damaged(what: str) -> ApiError:
    """400 with what is wrong with the gzip."""
    return ApiError(400, "malformed_gzip", f"the body is not the gzip that Content-Encoding says: {what}")
