"""What the tests of live operation share."""

from collections.abc import Iterator

import pytest

from loopback import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Server]:
    with Server("127.0.0.2") as server:
        yield server
