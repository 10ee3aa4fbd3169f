"""When two settings are the same."""

from dataclasses import replace

import pytest

from requests_mounts._file.equality import identity, same
from requests_mounts._file.options import RetryOptions, Timeout, Tls
from requests_mounts._file.policy import Policy
from requests_mounts._secret import Secret


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (False, 0, False),
        (True, 1, False),
        (False, False, True),
        (1, 1.0, True),
        (None, False, False),
        (float("inf"), float("inf"), True),
        ("a", "a", True),
        ("1", 1, False),
        (Secret("a"), Secret("a", "${A}"), True),
        (Secret("a"), "a", True),
        (Secret("a"), Secret("b"), False),
        ((1, False), (1, 0), False),
        ((1, 2), (1.0, 2), True),
        (Timeout(connect=1), Timeout(connect=1.0), True),
        (Timeout(connect=1), Timeout(read=1), False),
        (RetryOptions(total=0), RetryOptions(total=False), False),
        (Tls(verify=True), Tls(verify=Secret("1")), False),
        (Policy(), Policy(), True),
        (Policy(max_retries=RetryOptions(total=1, read=0)),
         Policy(max_retries=RetryOptions(total=1, read=False)), False),
    ],
)  # fmt: skip
def test_same(one: object, other: object, expected: bool) -> None:  # noqa: FBT001
    """By value and by type: false is not 0, and a second is a second."""
    assert same(one, other) is expected
    assert (identity(one) == identity(other)) is expected
    if expected:
        assert hash(identity(one)) == hash(identity(other))


def test_a_policy_is_another_with_any_other_setting() -> None:
    """Each key of a policy counts."""
    others = (replace(Policy(), pool_maxsize=11), replace(Policy(), deny=True))
    assert not any(same(Policy(), other) for other in others)
