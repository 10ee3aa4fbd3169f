"""The file that `requests-mounts init` writes."""

STARTER = """\
# How a requests session behaves towards each URL prefix. Load it with
#     from requests_mounts import load_session
#     session = load_session("mounts.toml")
# and look at it with
#     requests-mounts check mounts.toml
#     requests-mounts explain mounts.toml https://api.example.com/reports/2026

# Every prefix starts from these.
[defaults]
timeout = { connect = 3.05, read = 30 }   # seconds; where the caller gives none
deadline = 60                             # seconds for all attempts together
max_retries = 2                           # connections that fail are tried two times more

# A named set of keys, used with policy = "patient".
[policies.patient]
deadline = 120
max_retries = { total = 5, backoff_factor = 0.5, status_forcelist = [502, 503, 504] }

# All of one host: at most 50 connections at a time, and two seconds to wait for one.
[mounts."https://api.example.com/"]
pool_maxsize = 50
pool_block = true
pool_timeout = 2

# A part of it. The longest path wins; what is not said here comes from the policy and the defaults.
[mounts."https://api.example.com/reports/"]
policy = "patient"
timeout.read = 90

# Without TLS, nothing is sent there.
[mounts."http://api.example.com/"]
deny = true

# A test of this file: requests-mounts check fails when another prefix serves the URL.
[[expect]]
url = "https://api.example.com/reports/2026"
mount = "https://api.example.com/reports/"
timeout.read = 90
"""
