"""What a policy does to a request; alone in knowing the adapters of requests and urllib3."""

import urllib3

if hasattr(urllib3, "AsyncPoolManager"):
    # A fork that installs itself as urllib3. Plain requests go through its pools, but they take,
    # keep and return connections in ways of their own, so policies would silently do nothing.
    raise ImportError(
        "requests-mounts needs urllib3, and urllib3-future is installed in its place; keep both"
        " with URLLIB3_NO_OVERRIDE=1 pip install --force-reinstall --no-binary urllib3-future"
        " urllib3-future urllib3"
    )
