"""Exit with 0 if the library refuses the fork that niquests installs in the place of urllib3.

Run by tox in an environment of its own, where no test could import what it tests.
"""

import requests_mounts

assert requests_mounts.parse_config("").mounts
try:
    requests_mounts.load_session  # noqa: B018 - the access is what is tested
except ImportError as error:
    assert "needs urllib3, and urllib3-future is installed in its place" in str(error)
else:
    raise AssertionError("no word about urllib3-future")
