"""What `check` finds in a valid file."""

from requests_mounts import parse_config
from requests_mounts._command.check import check
from requests_mounts._command.compare import compare


def test_an_expectation_tells_false_from_zero() -> None:
    """Retries of false raise what retries of 0 wrap."""
    config = parse_config(
        """
        [mounts."https://h/"]
        max_retries = { total = 1, read = 0 }
        [[expect]]
        url = "https://h/"
        mount = "https://h/"
        max_retries.read = false
        """
    )
    messages = [one.message for one in check(config) if one.severity == "error"]
    assert messages == ["expected false (got 0 from line 3)"]


def test_a_mount_that_differs_in_false_is_not_redundant() -> None:
    """Neither for `check` nor for `diff`."""
    text = """
        [mounts."https://h/"]
        max_retries = { total = 1, read = 0 }
        [mounts."https://h/x"]
        max_retries = { total = 1, read = %s }
        """
    codes = [one.code for one in check(parse_config(text % "false"))]
    assert "redundant-mount" not in codes
    assert "redundant-mount" in [one.code for one in check(parse_config(text % "0"))]
    (change,) = compare(parse_config(text % "0"), parse_config(text % "false"))
    assert [str(one) for one in change.settings] == ["max_retries.read: 0 → false"]
