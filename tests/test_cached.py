"""Properties that are made once, by whichever thread asks first."""

import threading

from requests_mounts import MountAdapter, MountedSession, parse_config
from requests_mounts._cached import cached_property


class Thing:
    asked = 0

    @cached_property
    def value(self) -> int:
        """What it is."""
        self.asked += 1
        return self.asked

    @cached_property
    def replaced(self) -> str:
        """What something else has put there by the time that it is made."""
        self.__dict__["replaced"] = "newer"
        return "older"


def test_a_value_is_made_once() -> None:
    """As by Python's own, and what is put there meanwhile stays."""
    thing = Thing()
    assert (thing.value, thing.value, thing.replaced) == (1, 1, "newer")
    assert Thing.value.__doc__ == "What it is."
    del thing.value
    assert thing.value == 2


def test_no_thread_waits_for_another_object() -> None:
    """While one thread makes the pool manager of a mount, another may count for the next mount."""
    with MountedSession(parse_config("")) as session:
        one, other = session.adapters["https://"], session.adapters["http://"]
        assert isinstance(one, MountAdapter)
        assert isinstance(other, MountAdapter)
        second = threading.Thread(target=lambda: other.counters, daemon=True)

        def work() -> None:
            with MountAdapter._lock:
                second.start()
                second.join(0.2)  # It waits for the lock, with whatever else it has.
                one.counters.count("refused")

        first = threading.Thread(target=work, daemon=True)
        first.start()
        first.join(30)
        assert not first.is_alive()
        second.join(30)
