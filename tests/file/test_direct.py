"""What may stand in ``no_proxy``."""

import pytest

from requests_mounts import ConfigError, parse_config

ENTRIES = [
    "*",
    "localhost",
    ".corp.example",
    "CORP.example",
    "corp.example:8080",
    "0.0.1",
    "10.0.0.1",
    "10.0.0.1/8",
    "10.0.0.1/32",
    "::1",
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_can_match_is_valid(entry: str) -> None:
    """A host, a domain, an address, a network, a port with a name, or the star alone."""
    config = parse_config(f'[defaults]\nproxy = "http://p:1"\nno_proxy = ["{entry}"]')
    assert all(mount.policy.no_proxy == (entry,) for mount in config.mounts)


@pytest.mark.parametrize(
    ("value", "got", "hint"),
    [
        ('["*.corp.example"]', "*.corp.example", '; write ".corp.example"'),
        ('["http://localhost:8080/"]', "http://localhost:8080/", '; write "localhost:8080"'),
        ('["[::1]"]', "[::1]", '; write "::1"'),
        ('["localhost,a.example"]', "localhost,a.example", ""),
        ('["10.0.0.0/0"]', "10.0.0.0/0", ""),
        ('["10.0.0.0/33"]', "10.0.0.0/33", ""),
        ('["fd00::/8"]', "fd00::/8", ""),
        ('["127.0.0.1:80"]', "127.0.0.1:80", ""),
        ("[8]", "8", ""),
    ],
)
def test_what_never_matches_is_refused(value: str, got: str, hint: str) -> None:
    """With what to write, if that is plain."""
    with pytest.raises(ConfigError) as caught:
        parse_config(f'[defaults]\nproxy = "http://p:1"\nno_proxy = {value}')
    (found,) = caught.value.diagnostics
    shown = got if value == "[8]" else f'"{got}"'
    assert found.key == "defaults.no_proxy[0]"
    assert found.message == (
        "expected a host, a domain such as .example.com, or a network such as 10.0.0.0/8"
        f" (got {shown}){hint}"
    )


def test_a_list_in_one_text() -> None:
    """As NO_PROXY holds it, is written as an array."""
    with pytest.raises(ConfigError, match=r'expected an array .*; write \["localhost", "\.corp"\]'):
        parse_config('[defaults]\nproxy = "http://p:1"\nno_proxy = "localhost, .corp"')
