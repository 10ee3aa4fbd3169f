"""A bucket of tokens, which keeps to the generic cell rate algorithm (ITU-T I.371, GCRA).

It is full at the start. Of any tokens i < j, the later one is taken at least
(j - i - burst + 1) * per / rate seconds after the earlier one.
"""

from math import inf, isinf

from requests_mounts._file.limits import LimitOptions


class Bucket:
    """Tokens that flow in at a rate, of which a full bucket holds ``burst``."""

    __slots__ = ("_late", "_spare", "_theoretical", "interval", "ready_at")

    ready_at: float
    """The moment of the next token; it may have passed."""
    _theoretical: float

    def __init__(self, rate: float, per: float, burst: int) -> None:
        self.interval = per / rate
        """Seconds between two tokens."""
        self._spare = (burst - 1) * self.interval
        self._late = 0.0  # By how much tokens were put off in all, as others were used late.
        self._fill_by(-inf)

    def take(self, now: float) -> float:
        """Take a token, which has to be there, and return what `use` asks for."""
        full = self._theoretical
        full = (now if now > full else full) + self.interval  # noqa: FURB136 - faster than max
        self._theoretical = full
        self.ready_at = full - self._spare
        return full - self._late

    def lateness(self, token: float, now: float) -> float:
        """Return by how much later than now the next token would be if this one were taken now."""
        return now + self.interval - token - self._late

    def use(self, token: float, now: float) -> None:
        """Count a token as if it were taken now; those that were taken since move with it."""
        late = max(self.lateness(token, now), 0)
        self._late += late
        self._fill_by(self._theoretical + late)

    def hold(self, until: float) -> None:
        """Have no token before a moment, and one at that moment."""
        self._fill_by(max(self._theoretical, until + self._spare))

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
