"""A bucket of tokens, which keeps to the generic cell rate algorithm (ITU-T I.371, GCRA).

It is full at the start. Of any tokens i < j, the later one is taken at least
(j - i - burst + 1) * per / rate seconds after the earlier one.
"""

from collections import deque
from math import inf, isinf

from requests_mounts._file.limits import LimitOptions

_MOST_TAKES = 64
"""Beyond so many others since, a token that is put back stays lost, which errs on the slow side."""

_LEAST, _MOST = 1e-200, 1e200
"""Seconds between tokens that floats still reckon with: beyond them are 0, inf and nan."""


class Bucket:
    """Tokens that flow in at a rate, of which a full bucket holds ``burst``."""

    __slots__ = ("_spare", "_takes", "_theoretical", "interval", "ready_at")

    ready_at: float
    """The moment of the next token; it may have passed."""
    _theoretical: float

    def __init__(self, rate: float, per: float, burst: int) -> None:
        self.interval = min(max(per / rate, _LEAST), _MOST)
        """Seconds between two tokens."""
        self._spare = (burst - 1) * self.interval
        # When the last tokens were taken. With a burst of 1, those before the last do not matter.
        self._takes: deque[float] = deque(maxlen=1 if burst == 1 else _MOST_TAKES)
        self._fill_by(-inf)

    def take(self, now: float) -> None:
        """Take a token, which has to be there; the moment says later which one it was."""
        full = self._theoretical
        full = (now if now > full else full) + self.interval  # noqa: FURB136 - faster than max
        self._theoretical = full
        self.ready_at = full - self._spare
        self._takes.append(now)

    def move(self, token: float, now: float) -> bool:
        """Count the last token as if it were taken now; if it is not the last, tell so."""
        takes = self._takes
        if not takes or takes[-1] != token:
            return False
        takes[-1] = now
        self._fill_by(max(self._theoretical, now + self.interval))
        return True

    def put_back(self, token: float) -> None:
        """Be as full as if a token had not been taken, while those since were, each at its moment.

        As far as the bucket would have been full at one of those, nothing comes back.
        """
        takes = [*self._takes]
        if token not in takes:
            return
        place = takes.index(token)
        before, back = self._theoretical, self.interval
        for later in reversed(takes[place + 1 :]):
            before -= self.interval
            back = min(back, before - later)
        del self._takes[place]
        self._fill_by(self._theoretical - back)

    def hold(self, until: float) -> None:
        """Have no token before a moment, and one at that moment."""
        if until + self._spare > self._theoretical:
            self._takes.clear()
            self._fill_by(until + self._spare)

    def missing(self, now: float) -> float:
        """Return which part of a full bucket is missing: 0 is full, 1 is empty, more is owed."""
        return max(self._theoretical - now, 0) / (self._spare + self.interval)

    def lack(self, part: float, now: float) -> None:
        """Let a part of a full bucket be missing."""
        self._fill_by(now + part * (self._spare + self.interval))

    def _fill_by(self, theoretical: float) -> None:
        """Be full at a moment, which is GCRA's theoretical arrival time."""
        self._theoretical = theoretical
        self.ready_at = theoretical - self._spare


def bucket_of(options: LimitOptions) -> Bucket | None:
    """Return the bucket of a limit, full; `None` if it has no rate."""
    if options.rate is None or isinf(options.rate):
        return None
    return Bucket(options.rate, options.per, options.burst)
