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
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "ftp://proxy/"); its scheme is none of these',
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
        '2:1 unknown-key unknown key, write proxy = "http://proxy:3128" instead',
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
    ("[limit.x]\nrate = 1", "1:2 unknown-key unknown key, write [limits.NAME]"),
    ("[limit]\nrate = 1", "1:2 unknown-key unknown key, write limit in [defaults] or in a mount"),
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
        '2:11 invalid-value expected the code of a warning, such as no-timeout (got "zzz"); write one of no-timeout, no-verify, no-backoff, forcelist-without-retries, long-retry-after, endless-pool-wait, endless-limit-wait, two-limits, short-window, unreached-minimum, unused-budget, unused-no-proxy, unused-pools, redundant-mount, literal-star, network-prefix, http-twin, long-request, wide-secret, literal-secret, plain-secret',
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
        "[defaults]\nlimit = false",
        "2:9 invalid-value expected the name of a table in [limits], or a table (got false); write { rate = inf, max_pause = 0 } for none",
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
    (
        "[defaults]\nproxy = (",
        '2:9 syntax expected a value (got "("); write an array, in [ and ]',
    ),
    (
        "[defaults]\ntimeout = 3 # x = None\na =",
        "3:4 syntax expected a value (got the end of the file)",
    ),
    (
        "[defaults]\ntimeout = (3, 10)",
        '2:11 syntax expected a value (got "("); write { connect = 3, read = 10 }',
    ),
    (
        "[defaults]\ntimeout = (3.05, None)",
        '2:11 syntax expected a value (got "("); write an array, in [ and ]',
    ),
    (
        '[defaults]\nignore = ("no-timeout",)',
        '2:10 syntax expected a value (got "("); write an array, in [ and ]',
    ),
    (
        '[mounts."https://h/"]\nmax_retries.status_forcelist = (502, 503)',
        '2:32 syntax expected a value (got "("); write [502, 503]',
    ),
    (
        '[expect]\nurl = "https://h/"\nmount = "https://"',
        "1:2 invalid-value expected an array (got a table); write [[expect]], in double brackets",
    ),
    (
        '[defaults]\nextends = "base.toml"',
        "2:1 unknown-key unknown key, write it at the top of the file instead, before all tables",
    ),
    (
        '[defaults]\nextends = "flaky"',
        "2:1 unknown-key unknown key, write it at the top of the file instead, before all tables",
    ),
    (
        '[mounts."https://h/"]\nextends = ["a.toml"]',
        "2:1 unknown-key unknown key, write it at the top of the file instead, before all tables",
    ),
    (
        '[mounts."https://h/"]\nextends = "flaky"',
        "2:1 unknown-key unknown key, write policy instead",
    ),
    (
        "[defaults]\nmax_retries = true",
        "2:15 invalid-value expected an integer of 0 or more, or a table of urllib3.Retry's options (got true); write 3, or another number",
    ),
    (
        "[defaults]\nmax_retries = false",
        "2:15 invalid-value expected an integer of 0 or more, or a table of urllib3.Retry's options (got false); write 0 for none",
    ),
    (
        "[tool.request-mounts]",
        "1:2 unknown-key unknown key, leave tool.request-mounts out of all headers in a file of its own",
    ),
    ("[tool.ruff]", "1:2 unknown-key unknown key"),
    ("[tool]", "1:2 unknown-key unknown key"),
    (
        "[requests_mounts]",
        "1:2 unknown-key unknown key, leave requests_mounts out of all headers in a file of its own",
    ),
    ("tool = 3", "1:1 unknown-key unknown key"),
    (
        '[mounts."https://h/"]\nproxy = "os.environ[\'PROXY\']"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "os.environ[\'PROXY\']"); write "${PROXY}" for the variable',
    ),
    (
        '[mounts."https://h/"]\npool_maxsize = "os.getenv(\'SIZE\')"',
        '2:16 invalid-value expected an integer from 1 to 65535 (got "os.getenv(\'SIZE\')"); write "${SIZE}" for the variable',
    ),
    (
        '[mounts."https://h/"]\nproxy = "%PROXY%"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "%PROXY%"); write "${PROXY}" for the variable',
    ),
    (
        '[mounts."https://h/"]\nproxy = "{{ PROXY }}"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "{{ PROXY }}"); write "${PROXY}" for the variable',
    ),
    (
        '[mounts."https://h/"]\nsource_address = "$(ADDRESS)"',
        '2:18 invalid-value expected an IP address (got "$(ADDRESS)"); write "${ADDRESS}" for the variable',
    ),
    (
        '[mounts."https://h/"]\nproxy = "${{ env.PROXY }}"',
        "2:9 invalid-reference expected the name of an environment variable in ${…}, or $$ for a dollar",
    ),
    (
        '[mounts."https://h/"]\ndeny = "$env:DENY"',
        '2:8 invalid-value expected true or false (got "$env:DENY"); write "${DENY}" for the variable',
    ),
    (
        '[mounts."https://h/"]\nauth.bearer = "{{ HUNTER2 }}"',
        '2:15 invalid-value expected a token, without "Bearer" and without spaces (got **********); write "${NAME}" for the variable',
    ),
    (
        '[defaults]\nproxy = os.environ["PROXY"]',
        '2:9 syntax expected a value (got "os.environ"); write "${PROXY}", in quotes',
    ),
    (
        "[defaults]\nproxy = $PROXY # here",
        '2:9 syntax expected a value (got "$"); write "${PROXY}", in quotes',
    ),
    (
        "[defaults]\ndeadline = ${DEADLINE:-30}",
        '2:12 syntax expected a value (got "$"); write "${DEADLINE:-30}", in quotes',
    ),
    (
        "[defaults]\ndeadline = {{ DEADLINE }}",
        '2:13 syntax expected a key (got "{"); write "${DEADLINE}", in quotes',
    ),
    (
        "[defaults]\ndefaults = { timeout = (3, 10), deny = true }",
        '2:24 syntax expected a value (got "("); write { connect = 3, read = 10 }',
    ),
    (
        '[mounts."https://h/"]\ntls.key_password = $HUNTER2',
        '2:20 syntax expected a value (got **********); write "${NAME}", in quotes',
    ),
    ("[defaults]\nproxy = $ PROXY", '2:9 syntax expected a value (got "$")'),
    (
        '[mounts."https://h/"]\nheaders = { X-A = 3 }',
        '2:19 invalid-value expected a text in latin-1 without line breaks, or false for none (got 3); write "3", in quotes',
    ),
    (
        '[mounts."https://https://api.example.com/v1"]',
        '1:9 invalid-prefix expected one scheme; write "https://api.example.com/v1" (got "https://https://api.example.com/v1")',
    ),
    (
        '[mounts."http://HTTPS://h/"]',
        '1:9 invalid-prefix expected one scheme; write "HTTPS://h/" (got "http://HTTPS://h/")',
    ),
    (
        '[mounts."https://h/"]\nheaders = "X-A: 3"',
        '2:11 invalid-value expected a table (got **********); write { NAME = "text" }',
    ),
    (
        '[mounts."https://h/"]\ntls.ciphers = true',
        '2:15 invalid-value expected a string that is not empty (got true); write "true", in quotes',
    ),
    (
        '[mounts."https://h/"]\nauth = { username = 5, password = "${P:-p}" }',
        "2:21 invalid-value expected a name in latin-1 without a colon (got **********)",
    ),
    (
        '[mounts."https://h/"]\nconnect_to = ["/var/run/x.sock"]',
        '2:15 invalid-value expected an IP address, with or without a port, or "unix:" and the path of a socket (got "/var/run/x.sock"); write "unix:/var/run/x.sock"',
    ),
    (
        '[mounts."https://h/"]\nconnect_to = ["http+unix:///var/run/x.sock"]',
        '2:15 invalid-value expected an IP address, with or without a port, or "unix:" and the path of a socket (got "http+unix:///var/run/x.sock"); write "unix:/var/run/x.sock"',
    ),
    (
        '[mounts."https://h/"]\nconnect_to = ["app.sock"]',
        '2:15 invalid-value expected an IP address, with or without a port, or "unix:" and the path of a socket (got "app.sock"); write "unix:app.sock"',
    ),
    (
        '[mounts."https://h/"]\nconnect_to = ["localhost"]',
        '2:15 invalid-value expected an IP address, with or without a port, or "unix:" and the path of a socket (got "localhost")',
    ),
    (
        '[mounts."https://h/"]\nconnect_to = [3]',
        '2:15 invalid-value expected an IP address, with or without a port, or "unix:" and the path of a socket (got 3)',
    ),
    (
        '[mounts."https://h/"]\naddress_family = "IPv4"',
        '2:18 invalid-value expected "any", "ipv4" or "ipv6" (got "IPv4"); write "ipv4"',
    ),
    (
        '[mounts."https://h/"]\naddress_family = 6',
        '2:18 invalid-value expected "any", "ipv4" or "ipv6" (got 6); write "ipv6"',
    ),
    (
        '[mounts."https://h/"]\naddress_family = "AF_INET6"',
        '2:18 invalid-value expected "any", "ipv4" or "ipv6" (got "AF_INET6"); write "ipv6"',
    ),
    (
        '[mounts."https://h/"]\naddress_family = true',
        '2:18 invalid-value expected "any", "ipv4" or "ipv6" (got true)',
    ),
    (
        '[mounts."https://h/"]\naddresses = ["Public"]',
        '2:14 invalid-value expected "any", "public", "private", "loopback", a network, or one of these after a "!" (got "Public"); write "public"',
    ),
    (
        '[mounts."https://h/"]\naddresses = ["10.0.0.1/8"]',
        '2:14 invalid-value expected "any", "public", "private", "loopback", a network, or one of these after a "!" (got "10.0.0.1/8"); write "10.0.0.0/8"',
    ),
    (
        '[mounts."https://h/"]\naddresses = ["!fd00::1/8"]',
        '2:14 invalid-value expected "any", "public", "private", "loopback", a network, or one of these after a "!" (got "!fd00::1/8"); write "!fd00::/8"',
    ),
    (
        "expect = 3",
        "1:10 invalid-value expected an array (got 3); write [[expect]], in double brackets",
    ),
    (
        '[mounts."https://h/"]\naddresses = ["10.0.0.0/33"]',
        '2:14 invalid-value expected "any", "public", "private", "loopback", a network, or one of these after a "!" (got "10.0.0.0/33")',
    ),
    (
        '[mounts."https://h/"]\naddresses = ["localhost"]',
        '2:14 invalid-value expected "any", "public", "private", "loopback", a network, or one of these after a "!" (got "localhost")',
    ),
    (
        '[mounts."https://h/"]\naddresses = [3]',
        '2:14 invalid-value expected "any", "public", "private", "loopback", a network, or one of these after a "!" (got 3)',
    ),
    (
        '[mounts."https://h/"]\nlimit = { rate = 1, scope = "Origin" }',
        '2:29 invalid-value expected "origin" or "limit" (got "Origin"); write "origin"',
    ),
    (
        '[mounts."https://h/"]\nauth = { token = "abc" }',
        "2:10 unknown-key unknown key, write bearer instead",
    ),
    (
        '[mounts."https://h/"]\nauth = { user = "u", password = "${P:-p}" }',
        "2:10 unknown-key unknown key, write username instead",
    ),
    (
        '[mounts."https://h/"]\nauth = "Bearer hunter2"',
        '2:8 invalid-value expected a table, or false for none (got **********); write { bearer = "${TOKEN}" }, or { username, password }',
    ),
    (
        '[mounts."https://h/"]\nauth = ["u", "hunter2"]',
        '2:8 invalid-value expected a table, or false for none (got an array); write { bearer = "${TOKEN}" }, or { username, password }',
    ),
    (
        '[mounts."https://h/"]\nlimit = "10/s"',
        "2:9 unknown-limit unknown limit; write { rate = 10, per = 1 }",
    ),
    (
        '[mounts."https://h/"]\nlimit = "600 per minute"',
        "2:9 unknown-limit unknown limit; write { rate = 600, per = 60 }",
    ),
    (
        '[mounts."https://h/"]\nlimit = "10/10"',
        '2:9 unknown-limit unknown limit; add [limits."10/10"]',
    ),
    (  # As the schema has it, also where there is a table without a name.
        '[mounts."https://h/"]\nlimit = ""\n[limits.""]\nrate = 1',
        '2:9 invalid-value expected the name of a table in [limits], or a table (got "")',
    ),
    (
        '[mounts."https://h/"]\npolicy = "x"\n[policies]\nx = 5',
        "4:5 invalid-value expected a table (got 5)",
    ),
    (
        '[mounts."https://h/"]\nlimit = "x"\n[limits]\nx = 5',
        "4:5 invalid-value expected a table (got 5)",
    ),
    (
        '[mounts."https://h/"]\ncert = ["client.pem", "client.key"]',
        '2:1 unknown-key unknown key, write tls = { cert_file = "client.pem", key_file = "client.key" } instead',
    ),
    (
        '[mounts."https://h/"]\nproxies = { http = "http://p:1", https = "http://p:1" }',
        '2:1 unknown-key unknown key, write proxy = "http://p:1" instead',
    ),
    (
        '[mounts."https://h/"]\nproxies = { http = "http://p:1", https = "http://p:2" }',
        "2:1 unknown-key unknown key, write proxy, one URL in each mount, instead",
    ),
    (
        '[mounts."https://h/"]\nproxies = { https = "http://u:hunter2@p:1" }',
        "2:1 unknown-key unknown key, write proxy instead",
    ),
    ('[mounts."https://h/"]\nproxies = {}', "2:1 unknown-key unknown key, write proxy instead"),
    (
        '[defaults]\nproxy = "Direct"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "Direct"); write "direct"',
    ),
    (
        '[defaults]\nproxy = "http://proxy:3128/path"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://proxy:3128/path"); leave its path out',
    ),
    (
        '[defaults]\nproxy = "http://proxy:3128?a=b"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://proxy:3128?a=b"); leave its query out',
    ),
    (
        '[defaults]\nproxy = "http://proxy:3128/#x"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://proxy:3128/#x"); leave its fragment out',
    ),
    (
        '[defaults]\nproxy = "http://u:hunter/2@proxy:3128"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://**********@proxy:3128"); leave its path out, or write %2F for a / in the password',
    ),
    (
        '[defaults]\nproxy = "http://u:12#34@proxy:3128"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://**********@proxy:3128"); leave its fragment out, or write %23 for a # in the password',
    ),
    (
        '[defaults]\nproxy = "http://u:hunter 2@proxy:3128"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://**********@proxy:3128"); write %20 for the space',
    ),
    (
        '[defaults]\nproxy = "http://proxy\\\\x"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://proxy\\\\x"); leave the backslash out',
    ),
    (
        '[defaults]\nproxy = "http://proxy\\n"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://proxy\\n"); leave the control character out',
    ),
    (
        '[defaults]\nproxy = "http://u:p@ss@proxy:3128/x"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://**********@proxy:3128/x"); leave its path out',
    ),
    (
        '[defaults]\nproxy = "u:hunter2@proxy:3128"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "**********@proxy:3128"); write it with http:// before it',
    ),
    (
        '[defaults]\nproxy = "ftp://u:hunter2@proxy"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "ftp://**********@proxy"); its scheme is none of these',
    ),
    (
        '[defaults]\nproxy = "http://:3128"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://:3128"); write a host after the scheme, an IPv6 address in brackets',
    ),
    (
        '[defaults]\nproxy = "http://[::1"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://[::1"); write a host after the scheme, an IPv6 address in brackets',
    ),
    (
        '[defaults]\nproxy = "http://proxy:0"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://proxy:0"); write a port from 1 to 65535',
    ),
    (
        '[defaults]\nproxy = "http://proxy:port"',
        '2:9 invalid-value expected "env", "direct", or a URL of http, https, socks4, socks4a, socks5 or socks5h (got "http://proxy:port"); write a port from 1 to 65535',
    ),
    (
        '[mounts."https://api*.h.example.com/"]',
        '1:9 invalid-prefix expected * only as the whole first label, as in *.h.example.com (got "api*.h.example.com")',
    ),
    (
        '[mounts."https://*corp.example.com/"]',
        '1:9 invalid-prefix expected * only as the whole first label, as in *.corp.example.com (got "*corp.example.com")',
    ),
    (
        '[mounts."https://api.*.com/"]',
        '1:9 invalid-prefix expected * only as the whole first label, as in *.example.com (got "api.*.com")',
    ),
    (
        '[mounts."*"]',
        '1:9 invalid-prefix expected a prefix; write https:// and http:// for every host (got "*")',
    ),
    (
        "[mounts.default]",
        '1:9 invalid-prefix expected a prefix; write https:// and http:// for every host (got "default")',
    ),
    ("[defaults]\nno_proxy = true", "2:12 invalid-value expected an array (got true)"),
    (
        f"[defaults]\nbreaker = {{ ratio = 0x{'f' * 5000} }}",
        "2:21 invalid-value expected a number above 0, at most 1 (got an integer of 20000 bits)",
    ),
    (
        f'[defaults]\nno_proxy = "{"a," * 200}"',
        f'2:12 invalid-value expected an array (got "{"a," * 32}…")',
    ),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES)
def test_a_mistake(text: str, told: str) -> None:
    """One diagnostic, at the key or the value that is wrong, that says what to write."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, source="/d/m.toml", environ={})
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
