"""For what share of requests there are retries, after gRPC's proposal A6 (client retries).

A failed attempt that would be sent again costs a token, a success gives ``refund`` back, and
retries go out only while more than half of the tokens are there.
"""

from threading import RLock

from requests_mounts._file.limits import BudgetOptions

_DIGITS = 9
"""Those of a count that is rounded, as ten times 0.1 is not quite 1."""


class Budget:
    """The state of a retry budget, which one mount has for each origin."""

    def __init__(self, options: BudgetOptions) -> None:
        self.start(options)

    def start(self, options: BudgetOptions) -> None:
        """Begin with all tokens, whatever was before, as after a fork."""
        self.options = options
        self.spent: float = 0
        """How many tokens a full budget has more; read without the lock too."""
        self._lock = RLock()

    def change(self, options: BudgetOptions) -> None:
        """Go on under other options, with the same share of the tokens."""
        with self._lock:
            self.spent *= options.tokens / self.options.tokens
            self.options = options

    def is_idle(self) -> bool:
        """Tell whether a new state would be no different."""
        return not self.spent

    def spend(self) -> bool:
        """Pay for a failure that would be retried, and tell whether the retry may go out."""
        with self._lock:
            self.spent = min(self.spent + 1, self.options.tokens)
            return self.spent < self.options.tokens / 2

    def refund(self) -> None:
        """Give back what a success is worth."""
        with self._lock:
            self.spent = max(round(self.spent - self.options.refund, _DIGITS), 0)
