"""The body of a response under ``max_body_size``, on the wire and decoded, whoever reads it.

urllib3 reads and decodes all that there is if it is asked for no amount. Here every amount has an
end, so that at no time there is much more in memory than the limit and one piece.
"""

from collections.abc import Callable, Generator
from http.client import LineTooLong
from typing import TYPE_CHECKING, Any, Final, NoReturn

from requests import PreparedRequest
from urllib3.response import HTTPResponse

from requests_mounts._sending.errors import BodyTooLarge
from requests_mounts._sending.signals import Signal
from requests_mounts._sending.twins import twin

if TYPE_CHECKING:
    _Response = HTTPResponse
else:
    _Response = object  # The class of the response comes behind it; see `bound`.

_PIECE: Final = 2**18
"""The most that is asked of urllib3 at a time, in bytes."""
_LONGEST_LINE: Final = 2**16
"""The longest line of chunked framing, in bytes: that of http.client."""
_PLAIN_LINE: Final = 16
"""What a line of a chunk's size may take, in bytes, for each byte of a body."""


class BodyExceeds(Signal):
    """A body is larger than it may be."""

    numbers = ()  # Something was sent.

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def error(self, request: PreparedRequest, prefix: str = "", place: str = "") -> BodyTooLarge:
        """Return the error that the caller sees."""
        return BodyTooLarge(request.url or "", self.limit, prefix, place, request=request)


class BoundedBody(_Response):
    """Counts what comes over the wire, in the two methods that read it, and what is returned."""

    request: PreparedRequest | None = None
    """The request that it answers; `None` as long as only urllib3 knows of it.

    Until then it is urllib3 that reads, in order to retry, and it passes signals on.
    """

    find_mount: Callable[[], tuple[str, str]]
    """Returns the prefix and the place that the error names; there as soon as ``request`` is."""

    _limit: int
    _wire = 0
    _returned = 0

    def read(
        self,
        amt: int | None = None,
        decode_content: Any = None,
        cache_content: Any = None,
    ) -> bytes:
        """Read as urllib3 does, in pieces."""
        try:
            if amt is not None and 0 <= amt <= _PIECE:
                self._count(b"")
                return self._count(super().read(amt, decode_content))
            return self._read_in_pieces(amt, decode_content, cache_content)
        except BodyExceeds as signal:
            self._refuse(signal)

    def read1(self, amt: int | None = None, decode_content: Any = None) -> bytes:
        """Read as urllib3 does, at most one piece."""
        try:
            self._count(b"")
            least = _PIECE if amt is None or amt < 0 else min(amt, _PIECE)
            return self._count(super().read1(least, decode_content))
        except BodyExceeds as signal:
            self._refuse(signal)

    def read_chunked(
        self, amt: int | None = None, decode_content: Any = None
    ) -> Generator[bytes, None, None]:
        """Read as urllib3 does, a long chunk in pieces."""
        try:
            self._count(b"")
            least = _PIECE if amt is None or amt < 0 else min(amt, _PIECE)
            for piece in super().read_chunked(least, decode_content):
                yield self._count(piece)
        except BodyExceeds as signal:
            self._refuse(signal)

    def stream(
        self, amt: int | None = 2**16, decode_content: Any = None
    ) -> Generator[bytes, None, None]:
        """Stream as urllib3 does, which takes a body that was refused for one at its end."""
        try:
            self._count(b"")
            yield from super().stream(amt, decode_content)
        except BodyExceeds as signal:
            self._refuse(signal)

    def drain_conn(self) -> None:
        """Read the rest as urllib3 does before a retry, but no more than the limit."""
        try:
            self._count(b"")
            super().drain_conn()
        except BodyExceeds as signal:
            self._refuse(signal)

    def _read_in_pieces(self, amt: int | None, decode_content: Any, cache_content: Any) -> bytes:
        self._count(b"")
        is_whole = (amt is None or amt < 0) and self.tell() == 0
        pieces = []
        left = self._limit + 1 if amt is None or amt < 0 else amt
        while left > 0 and (piece := super().read(min(left, _PIECE), decode_content)):
            pieces.append(self._count(piece))
            left -= len(piece)
        data = b"".join(pieces)
        if cache_content and is_whole:
            self._body = data
        return data

    def _raw_read(self, amt: int | None = None, *, read1: bool = False) -> bytes:
        most = self._limit - self._wire + 1
        data = super()._raw_read(most if amt is None else min(amt, most), read1=read1)
        return self._count_on_wire(data)

    def _handle_chunk(self, amt: int | None) -> bytes:
        return self._count_on_wire(super()._handle_chunk(amt))

    def _decode(
        self, data: bytes, decode_content: Any, flush_decoder: Any, max_length: Any = None
    ) -> bytes:
        # Brotli may return more than it is asked for. Older releases of urllib3 then ask for what
        # is missing, a negative number, by which a decoder understands all that there is.
        enough = not data and max_length is not None and max_length <= 0
        return b"" if enough else super()._decode(data, decode_content, flush_decoder, max_length)

    def _count_on_wire(self, data: bytes) -> bytes:
        self._wire += len(data or b"")
        if self._wire > self._limit:
            raise BodyExceeds(self._limit)
        return data

    def _count(self, data: bytes) -> bytes:
        self._returned += len(data or b"")
        if self._returned > self._limit:
            raise BodyExceeds(self._limit)
        return data

    def _refuse(self, signal: BodyExceeds) -> NoReturn:
        """Let go of the connection of a body that is too large, and raise what its reader takes."""
        self._returned = self._limit + 1  # What is read after this is refused too.
        self.close()
        self.release_conn()
        if self.request is None:
            raise signal
        raise signal.error(self.request, *self.find_mount()) from None


class _ShortLines:
    """The file of a chunked body, whose lines of framing have an end.

    Older releases of urllib3 read them to the end, however long a server makes an extension of a
    chunk (RFC 9112, section 7.1.1) or a trailer. There may be as many of them as a body within the
    limit has if it comes a byte at a time, and one that is as long as can be.
    """

    def __init__(self, file: Any, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._left = _LONGEST_LINE + _PLAIN_LINE * limit

    def readline(self, limit: int = -1) -> bytes:
        """Read a line; raises `LineTooLong` if it is longer than http.client takes one.

        Raises `BodyExceeds` if all of them are too long together.
        """
        line: bytes = self._file.readline(_LONGEST_LINE + 1 if limit < 0 else limit)
        if len(line) > _LONGEST_LINE:
            raise LineTooLong("line of a chunked body")
        self._left -= len(line)
        if self._left < 0:
            raise BodyExceeds(self._limit)
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def bound(response: Any, limit: int) -> None:
    """Bound the body of a response that has its headers; raises `BodyExceeds` if they say enough.

    A recorder's response is left alone: its body is in memory already.
    """
    if not isinstance(response, HTTPResponse) or _ends_within(response, limit):
        return
    body: Any = response
    body.__class__ = twin(BoundedBody, type(response))
    body._limit = limit  # noqa: SLF001 - made here
    # Zero for HEAD, 204 and 304, whose Content-Length is that of another response.
    if (response.length_remaining or 0) > limit:
        raise BodyExceeds(limit)
    file = getattr(body._fp, "fp", None)  # noqa: SLF001 - where urllib3 reads lines from
    if response.chunked and file is not None:
        body._fp.fp = _ShortLines(file, limit)  # noqa: SLF001 - as above


def _ends_within(response: HTTPResponse, limit: int) -> bool:
    """Tell whether there is nothing to count: http.client reads no further than a length it knows.

    urllib3 may know of another, and of chunks that http.client does not know of.
    """
    length = getattr(response._fp, "length", None)  # noqa: SLF001 - http.client's response
    known = isinstance(length, int) and length <= limit
    return known and not response.chunked and "Content-Encoding" not in response.headers
