"""Retry budgets and Retry-After headers, against the facts of others."""

import threading
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_mounts._file.limits import BudgetOptions
from requests_mounts._sending.budget import Budget
from requests_mounts._sending.retry_after import read_retry_after

# As the test of gRPC's throttle has it, for 4 tokens and a refund of 1.6: yes and no are failures
# whose retry goes out or not, + is a success.
GRPC = "yes + yes no no no no + + yes no + no + yes"


def test_the_throttle_of_grpc() -> None:
    """Retries go out exactly when gRPC sends them."""
    budget = Budget(BudgetOptions(tokens=4, refund=1.6))
    for number, step in enumerate(GRPC.split()):
        if step == "+":
            budget.refund()
        else:
            assert budget.spend() == (step == "yes"), number


def test_other_options() -> None:
    """A changed budget keeps the share of its tokens, as gRPC's does."""
    budget = Budget(BudgetOptions(tokens=4, refund=1))
    assert budget.spend()
    budget.change(BudgetOptions(tokens=10, refund=3))
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.refund()
    assert budget.spend()


def test_a_full_budget() -> None:
    """It is never more than full, as botocore's quota never exceeds its capacity."""
    budget = Budget(BudgetOptions(tokens=2, refund=5))
    budget.refund()
    assert budget.is_idle()
    assert [budget.spend() for _ in range(2)] == [False, False]
    assert not budget.is_idle()
    budget.refund()
    assert budget.is_idle()
    budget.spend()
    budget.start(budget.options)
    assert budget.is_idle()


def test_refunds_that_no_float_holds() -> None:
    """Ten refunds of a tenth are one token, as in gRPC's thousandths."""
    budget = Budget(BudgetOptions(tokens=3, refund=0.1))
    budget.spend()
    budget.spend()
    for _ in range(15):
        budget.refund()
    assert not budget.spend()  # Half of the tokens are there, and no more.
    for _ in range(15):
        budget.refund()
    assert budget.is_idle()


@given(tokens=st.integers(1, 50), steps=st.lists(st.booleans(), max_size=200))
def test_without_successes_half_of_the_tokens_are_retries(tokens: int, steps: list[bool]) -> None:
    """However failures and successes mix, retries are at most half the tokens and the refunds."""
    budget = Budget(BudgetOptions(tokens=tokens, refund=0.5))
    retries = refunds = 0
    for success in steps:
        if success:
            budget.refund()
            refunds += 1
        else:
            retries += budget.spend()
    assert retries <= tokens / 2 + refunds * 0.5


def test_threads_share_a_budget() -> None:
    """A hundred threads that fail at once get as many retries as one."""
    budget = Budget(BudgetOptions(tokens=10))
    granted: list[bool] = []
    threads = [
        threading.Thread(target=lambda: granted.extend(budget.spend() for _ in range(20)))
        for _ in range(100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("5", 5),
        (" 120 ", 120),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Mon, 03 Jun 2019 12:00:00 GMT", 0),
        ("Mon, 03 Jun 19999999999 12:00:00 GMT", None),
    ],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    """Seconds and dates are read as urllib3 reads them, and anything else is not there."""
    assert read_retry_after(header) == seconds


def test_retry_after_a_date() -> None:
    """A date to come is as many seconds as are left until then."""
    assert read_retry_after(formatdate(time.time() + 90, usegmt=True)) == pytest.approx(90, abs=5)
