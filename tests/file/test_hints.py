"""Mistakes that people make, and what they are told to write instead, word for word."""

import pytest

from requests_mounts import ConfigError, parse_config

MISTAKES = [
    (
        '[defaults]\ntimeout = "30s"',
        '2:11 invalid-value expected seconds above 0, inf for no limit, or a table with connect and read (got "30s"); write 30, without quotes',
    ),
    (
        '[defaults]\ntimeout = "3"',
        '2:11 invalid-value expected seconds above 0, inf for no limit, or a table with connect and read (got "3"); write 3, without quotes',
    ),
    (
        '[defaults]\ntimeout = "500 ms"',
        '2:11 invalid-value expected seconds above 0, inf for no limit, or a table with connect and read (got "500 ms"); write 0.5, without quotes',
    ),
    (
        '[defaults]\ndeadline = "2 minutes"',
        '2:12 invalid-value expected seconds, a number above 0, or inf for no limit (got "2 minutes"); write 120, without quotes',
    ),
    (
        '[defaults]\ndeadline = "never"',
        '2:12 invalid-value expected seconds, a number above 0, or inf for no limit (got "never"); write inf, without quotes',
    ),
    (
        "[defaults]\ndeadline = 0",
        "2:12 invalid-value expected seconds, a number above 0, or inf for no limit (got 0); write inf for no limit",
    ),
    (
        "[defaults]\ndeadline = -1",
        "2:12 invalid-value expected seconds, a number above 0, or inf for no limit (got -1); write inf for no limit",
    ),
    (
        "[defaults]\ndeadline = false",
        "2:12 invalid-value expected seconds, a number above 0, or inf for no limit (got false); write inf for no limit",
    ),
    (
        '[defaults]\ndeadline = "soon"',
        '2:12 invalid-value expected seconds, a number above 0, or inf for no limit (got "soon")',
    ),
    (
        "[defaults]\ntimeout = [3, 10]",
        "2:11 invalid-value expected seconds above 0, inf for no limit, or a table with connect and read (got an array); write { connect = 3, read = 10 }",
    ),
    (
        "[defaults]\ntimeout = [3, 10, 20]",
        "2:11 invalid-value expected seconds above 0, inf for no limit, or a table with connect and read (got an array)",
    ),
    (
        '[defaults]\ntimeout = { connect = "3" }',
        '2:23 invalid-value expected seconds, a number above 0, or inf for no limit (got "3"); write 3, without quotes',
    ),
    (
        "[defaults]\ntimeout = { connect = 3, total = 10 }",
        "2:26 unknown-key unknown key, write deadline, beside timeout, instead",
    ),
    (
        '[defaults]\nmax_body_size = "10 MB"',
        '2:17 invalid-value expected bytes, an integer of 0 or more, or inf for no limit (got "10 MB"); write 10_000_000, without quotes',
    ),
    (
        '[defaults]\nmax_body_size = "64KiB"',
        '2:17 invalid-value expected bytes, an integer of 0 or more, or inf for no limit (got "64KiB"); write 65_536, without quotes',
    ),
    (
        '[defaults]\nmax_body_size = "big"',
        '2:17 invalid-value expected bytes, an integer of 0 or more, or inf for no limit (got "big")',
    ),
    (
        '[defaults]\npool_maxsize = "50"',
        '2:16 invalid-value expected an integer from 1 to 65535 (got "50"); write 50, without quotes',
    ),
    (
        "[defaults]\npool_maxsize = 50.0",
        "2:16 invalid-value expected an integer from 1 to 65535 (got 50.0); write 50",
    ),
    (
        '[defaults]\npool_maxsize = "many"',
        '2:16 invalid-value expected an integer from 1 to 65535 (got "many")',
    ),
    (
        '[defaults]\npool_block = "true"',
        '2:14 invalid-value expected true or false (got "true"); write true, without quotes',
    ),
    (
        '[defaults]\npool_block = "off"',
        '2:14 invalid-value expected true or false (got "off"); write false, without quotes',
    ),
    (
        "[defaults]\npool_block = 0",
        "2:14 invalid-value expected true or false (got 0); write false",
    ),
    ('[defaults]\npool_block = "maybe"', '2:14 invalid-value expected true or false (got "maybe")'),
    (
        '[defaults]\nmax_retries = "3"',
        '2:15 invalid-value expected an integer of 0 or more, or a table of urllib3.Retry\'s options (got "3"); write 3, without quotes',
    ),
    (
        '[defaults]\nmax_retries = { total = "3" }',
        '2:25 invalid-value expected an integer of 0 or more, or false (got "3"); write 3, without quotes',
    ),
    (
        "[defaults]\nmax_retries = { total = 3, status_forcelist = 503 }",
        "2:47 invalid-value expected an array (got 503); write [503]",
    ),
    (
        '[defaults]\nmax_retries = { total = 3, status_forcelist = ["503"] }',
        '2:48 invalid-value expected an HTTP status, an integer from 100 to 599 (got "503"); write 503, without quotes',
    ),
    (
        "[defaults]\nmax_retries = { total = 3, allowed_methods = false }",
        '2:46 invalid-value expected an array of HTTP methods, or "any" (got false); write "any" for all methods',
    ),
    (
        '[defaults]\nmax_retries = { total = 3, allowed_methods = "*" }',
        '2:46 invalid-value expected an array of HTTP methods, or "any" (got "*"); write "any" for all methods',
    ),
    (
        '[defaults]\nmax_retries = { total = 3, allowed_methods = "POST" }',
        '2:46 invalid-value expected an array of HTTP methods, or "any" (got "POST"); write ["POST"]',
    ),
    (
        '[defaults]\nmax_retries = { total = 3, method_whitelist = ["GET"] }',
        "2:28 unknown-key unknown key, write allowed_methods instead",
    ),
    (
        '[defaults]\nmax_retries = { total = 3, backoff_max = "2m" }',
        '2:42 invalid-value expected seconds, a number of 0 or more, or inf for no limit (got "2m"); write 120, without quotes',
    ),
    (
        '[mounts."https://h/"]\nmax_retries = { status_forcelist = [503] }',
        "2:1 missing-key the key total is missing; write total = 3, or another number",
    ),
    (
        '[defaults]\nproxy = "none"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "none"); write "direct" for none',
    ),
    (
        '[defaults]\nproxy = ""',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got ""); write "direct" for none',
    ),
    (
        "[defaults]\nproxy = false",
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got false); write "direct" for none',
    ),
    (
        "[defaults]\nproxy = true",
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got true); write "env" for what the environment says',
    ),
    (
        '[defaults]\nproxy = "proxy:3128"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "proxy:3128"); write "http://proxy:3128"',
    ),
    (
        '[defaults]\nproxy = "user:secret@proxy:3128"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "**********@proxy:3128"); write it with http:// before it',
    ),
    (
        '[defaults]\nproxy = "socks://proxy:1080"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "socks://proxy:1080"); write "socks5://" or "socks4://"',
    ),
    (
        '[defaults]\nproxy = "$PROXY"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "$PROXY"); write "${PROXY}" for the variable',
    ),
    (
        '[defaults]\nproxy = { https = "http://proxy:3128" }',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got a table); write one URL, and other prefixes for other hosts',
    ),
    (
        '[defaults]\nproxy = "ftp://proxy/"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "ftp://proxy/")',
    ),
    (
        "[defaults]\ntls = false",
        "2:7 invalid-value expected a table (got false); write { verify = false }",
    ),
    (
        '[defaults]\ntls = "ca.pem"',
        '2:7 invalid-value expected a table (got "ca.pem"); write { verify = "ca.pem" }',
    ),
    ("[defaults]\ntls = 1", "2:7 invalid-value expected a table (got 1)"),
    (
        "[defaults]\ntls.verify = 0",
        "2:14 invalid-value expected true, false, or the path of a file or directory of CA certificates (got 0); write false",
    ),
    (
        "[defaults]\ntls.verify = 3",
        "2:14 invalid-value expected true, false, or the path of a file or directory of CA certificates (got 3)",
    ),
    (
        "[defaults]\ntls.minimum_version = 1.2",
        '2:23 invalid-value expected TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3 (got 1.2); write "1.2"',
    ),
    (
        '[defaults]\ntls.minimum_version = "TLS 1.3"',
        '2:23 invalid-value expected TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3 (got "TLS 1.3"); write "1.3"',
    ),
    (
        '[defaults]\ntls.minimum_version = "SSLv3"',
        '2:23 invalid-value expected TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3 (got "SSLv3")',
    ),
    (
        '[defaults]\ntls.assert_fingerprint = "sha256:00112233"',
        '2:26 invalid-value expected a fingerprint, 32, 40 or 64 hexadecimal digits with or without colons (got "sha256:00112233"); leave "sha256:" out',
    ),
    (
        '[defaults]\ntls.verify = "~/ca.pem"',
        '2:14 unusable-tls expected CA certificates (got "/d/~/ca.pem": No such file or directory); ~ is not expanded, write the whole path',
    ),
    (
        '[defaults]\ntls.verify = "$HOME/ca.pem"',
        '2:14 unusable-tls expected CA certificates (got "/d/$HOME/ca.pem": No such file or directory); write ${HOME} for the variable',
    ),
    ('[defaults]\ntls.password = "x"', "2:5 unknown-key unknown key, write key_password instead"),
    (
        "[defaults]\ntcp_keepalive = true",
        "2:17 invalid-value expected a table (got true); write {}",
    ),
    ("[defaults]\ntcp_keepalive = 3", "2:17 invalid-value expected a table (got 3)"),
    ("[defaults]\nverify = false", "2:1 unknown-key unknown key, write tls.verify instead"),
    ('[defaults]\ncert = "client.pem"', "2:1 unknown-key unknown key, write tls.cert_file instead"),
    ("[defaults]\nretries = 3", "2:1 unknown-key unknown key, write max_retries instead"),
    ("[defaults]\nmax_connections = 5", "2:1 unknown-key unknown key, write pool_maxsize instead"),
    (
        '[defaults]\nproxies = { https = "http://proxy:3128" }',
        "2:1 unknown-key unknown key, write proxy instead",
    ),
    (
        "[defaults]\nconnect-timeout = 3",
        "2:1 unknown-key unknown key, write timeout.connect instead",
    ),
    (
        "[defaults]\nallow_redirects = false",
        "2:1 unknown-key unknown key, pass it with each request instead",
    ),
    ("[defaults]\nxyzzy = 1", "2:1 unknown-key unknown key"),
    (
        '[mounts."https://h/"]\nurl = "https://h/"',
        '2:1 unknown-key unknown key, the prefix belongs in the header: [mounts."https://api.example.com/"]',
    ),
    (
        '[[mounts]]\nprefix = "https://api.example.com/v1/"',
        '1:3 invalid-value expected a table (got an array); write [mounts."https://api.example.com/v1/"]',
    ),
    (
        "[[mounts]]\nx = 1",
        '1:3 invalid-value expected a table (got an array); write [mounts."https://api.example.com/"]',
    ),
    (
        "mounts = []",
        '1:10 invalid-value expected a table (got an array); write [mounts."https://api.example.com/"]',
    ),
    ('[mount."https://h/"]', '1:2 unknown-key unknown key, write [mounts."https://h/"]'),
    ("[mount]\nx = 1", '1:2 unknown-key unknown key, write [mounts."https://api.example.com/"]'),
    ('["https://h/"]', '1:2 unknown-key unknown key, write [mounts."https://h/"]'),
    ("[policy.x]", "1:2 unknown-key unknown key, write [policies.NAME]"),
    (
        "[tool.requests-mounts]",
        "1:2 unknown-key unknown key, leave tool.requests-mounts out of all headers in a file of its own",
    ),
    ("timeout = 3", "1:1 unknown-key unknown key, write timeout in [defaults] or in a mount"),
    ("retries = 3", "1:1 unknown-key unknown key, write max_retries in [defaults] instead"),
    (
        '[mounts]\n"https://h/" = "flaky"',
        '2:16 invalid-value expected a table (got "flaky"); write { policy = "flaky" }',
    ),
    ('[mounts]\n"https://h/" = 3', "2:16 invalid-value expected a table (got 3)"),
    (
        '[mounts."api.example.com"]',
        '1:9 invalid-prefix expected a scheme, as in "https://api.example.com" (got "api.example.com")',
    ),
    (
        '[[expect]]\nurl = "api.example.com/v1"\nmount = "https://"',
        '2:7 invalid-value expected an absolute http or https URL (got "api.example.com/v1"); write "https://api.example.com/v1"',
    ),
    (
        '[[expect]]\nurl = 3\nmount = "https://"',
        "2:7 invalid-value expected an absolute http or https URL (got 3)",
    ),
    (
        '[mounts."https://h/"]\npolicy = "flaky"',
        "2:10 unknown-policy unknown policy; add [policies.flaky]",
    ),
    (
        '[mounts."https://h/"]\nignore = "no-timeout"',
        '2:10 invalid-value expected an array (got "no-timeout"); write ["no-timeout"]',
    ),
    (
        '[mounts."https://h/"]\nignore = ["no-timout"]',
        '2:11 invalid-value expected the code of a warning, such as no-timeout (got "no-timout"); write "no-timeout"',
    ),
    (
        '[mounts."https://h/"]\nignore = ["zzz"]',
        '2:11 invalid-value expected the code of a warning, such as no-timeout (got "zzz"); write one of no-timeout, no-verify, no-backoff, long-retry-after, endless-pool-wait, endless-limit-wait, two-limits, short-window, unreached-minimum, unused-budget, unused-pools, redundant-mount, literal-star, network-prefix, http-twin, long-request, wide-secret, literal-secret, plain-secret',
    ),
    (
        "[defaults]\nlimit = 5",
        "2:9 invalid-value expected the name of a table in [limits], or a table (got 5); write { rate = 5 } or { concurrency = 5 }",
    ),
    (
        "[defaults]\nlimit = true",
        "2:9 invalid-value expected the name of a table in [limits], or a table (got true)",
    ),
    (
        '[defaults]\nlimit.rate = "10/s"',
        '2:14 invalid-value expected a number above 0, or inf for no limit (got "10/s"); write rate = 10, per = 1',
    ),
    (
        '[defaults]\nlimit.rate = "10 per minute"',
        '2:14 invalid-value expected a number above 0, or inf for no limit (got "10 per minute"); write rate = 10, per = 60',
    ),
    (
        '[defaults]\nlimit.rate = "10/x"',
        '2:14 invalid-value expected a number above 0, or inf for no limit (got "10/x")',
    ),
    (
        '[defaults]\nlimit.rate = "10"',
        '2:14 invalid-value expected a number above 0, or inf for no limit (got "10"); write 10, without quotes',
    ),
    (
        '[limits.api]\nrate = 10\nper = "minute"',
        '3:7 invalid-value expected seconds, a number above 0 (got "minute"); write 60, without quotes',
    ),
    ("[limits.api]\nrps = 10", "2:1 unknown-key unknown key, write rate instead"),
    ("[defaults]\nbreaker = true", "2:11 invalid-value expected a table (got true)"),
    (
        "[defaults]\nbreaker = 5",
        "2:11 invalid-value expected a table (got 5); write { failures = 5 }",
    ),
    (
        "[defaults]\nbreaker = { failures = 1, timeout = 30 }",
        "2:27 unknown-key unknown key, write open_for instead",
    ),
    (
        "[defaults]\nbreaker = { ratio = 50, window = 1, minimum = 1 }",
        "2:21 invalid-value expected a number above 0, at most 1 (got 50); write 0.5",
    ),
    (
        '[defaults]\nbreaker = { ratio = "50%", window = 1, minimum = 1 }',
        '2:21 invalid-value expected a number above 0, at most 1 (got "50%"); write 0.5',
    ),
    (
        '[defaults]\nbreaker = { ratio = "x", window = 1, minimum = 1 }',
        '2:21 invalid-value expected a number above 0, at most 1 (got "x")',
    ),
    (
        "[defaults]\nretry_budget = 10",
        "2:16 invalid-value expected a table (got 10); write { tokens = 10 }",
    ),
    (
        'unmatched = "Deny"',
        '1:13 invalid-value expected "allow" or "deny" (got "Deny"); write "deny"',
    ),
    ("unmatched = true", '1:13 invalid-value expected "allow" or "deny" (got true)'),
    (
        '[defaults]\npolicy = "a"',
        "2:1 unknown-key unknown key, write it in a policy or a mount instead",
    ),
    (
        '[defaults]\ntls.cert_file = ["c.pem", "k.pem"]',
        '2:17 invalid-value expected the path of a file (got an array); write cert_file = "c.pem", key_file = "k.pem"',
    ),
    ("[defaults]\ntls.cert_file = 3", "2:17 invalid-value expected the path of a file (got 3)"),
    (
        "[defaults]\ntimeout = { connect = 3, read = 10",
        "2:35 syntax expected ',' or '}' (got the end of the file)",
    ),
    (
        "[defaults]\nproxy = 'http://x",
        "2:18 syntax expected a closing quote (got the end of the file)",
    ),
    ("[defaults]\ntimeout = None", '2:11 syntax expected a value (got "None"); leave the key out'),
    ("[defaults]\npool_block = True", '2:14 syntax expected a value (got "True"); write true'),
    ("[defaults]\npool_block = no", '2:14 syntax expected a value (got "no"); write false'),
    ("[defaults]\ntimeout = 30s", '2:13 syntax expected the end of the line (got "s"); write 30'),
    (
        "[defaults]\ntimeout = 5 min",
        '2:13 syntax expected the end of the line (got "min"); write 300',
    ),
    (
        "[defaults]\nproxy = direct",
        '2:9 syntax expected a value (got "direct"); write "direct", in quotes',
    ),
    (
        "[defaults]\nproxy = http://proxy:3128",
        '2:9 syntax expected a value (got "http"); write "http://proxy:3128", in quotes',
    ),
    (
        "[defaults]\ntls.key_password = hunter2",
        "2:20 syntax expected a value (got **********); write it in quotes",
    ),
    (
        "[defaults]\ntimeout: 3",
        "2:8 syntax expected '=' after the key (got \":\"); write = for the colon",
    ),
    ("[defaults]\ntimeout 3", "2:9 syntax expected '=' after the key (got \"3\")"),
    ("[defaults]\nproxy = (", '2:9 syntax expected a value (got "(")'),
    (
        "[defaults]\ntimeout = 3 # x = None\na =",
        "3:4 syntax expected a value (got the end of the file)",
    ),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_a_mistake(text: str, told: str) -> None:
    """One diagnostic, at the key or the value that is wrong, that says what to write."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, source="/d/m.toml")
    (found,) = caught.value.diagnostics
    assert f"{found.line}:{found.column} {found.code} {found.message}" == told


def test_the_table_of_a_pyproject() -> None:
    """One of nearly the right name is shown."""
    with pytest.raises(ConfigError) as caught:
        parse_config("[project]\nname = 'x'\n[tool.request-mounts]", source="pyproject.toml")
    assert str(caught.value) == (
        "pyproject.toml:3:7: expected a table [tool.requests-mounts] (got [tool.request-mounts])\n"
        "   3 | [tool.request-mounts]\n"
        "     |       ^^^^^^^^^^^^^^"
    )


def test_what_a_variable_holds_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as a path nor as another way to write it."""
    monkeypatch.setenv("SECRET", "~/hunter2")
    for key in ("tls.verify", "proxy"):
        with pytest.raises(ConfigError) as caught:
            parse_config(f'[defaults]\n{key} = "${{SECRET}}"')
        assert "hunter2" not in str(caught.value)
        assert "write" not in str(caught.value)
