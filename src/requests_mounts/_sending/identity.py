"""What a mount tells a host of us: its headers and its ``Authorization``, on a copy of the request.

On a copy, because requests makes the request of a redirect from the one that the caller sent:
nothing of one mount goes along to another.
"""

from collections.abc import Callable
from typing import Any

from requests import PreparedRequest
from requests.auth import _basic_auth_str
from requests.structures import CaseInsensitiveDict

from requests_mounts._file.bearer import bearer_file
from requests_mounts._file.options import Auth
from requests_mounts._file.policy import Policy
from requests_mounts._secret import Secret, reveal
from requests_mounts._sending.precedence import is_filled, is_signed


class Identity:
    """The headers of a mount."""

    def __init__(self, policy: Policy) -> None:
        self._headers = tuple(
            (name, reveal(value) if isinstance(value, str | Secret) else None)
            for name, value in policy.headers
            if name.lower() != "authorization"
        )
        self._authorization = _authorization_of(policy)

    def put_on(self, request: PreparedRequest) -> PreparedRequest:
        """Return a copy of a request that has what its caller left open."""
        dressed = request.__class__.__new__(request.__class__)  # As copy.copy does, in less time.
        dressed.__dict__.update(request.__dict__)
        headers = dressed.headers = _copy(request.headers)
        for name, value in self._headers:
            if not is_filled(request.headers, name):
                headers.pop(name, None)  # Its place may be another, and the case of its name.
                if value is not None:
                    headers[name] = value
        if self._authorization and not is_signed(request):
            headers.pop("Authorization", None)
            if (value := self._authorization()) is not None:
                headers["Authorization"] = value
        return dressed


def _copy(headers: Any) -> Any:
    """Copy headers as requests does, which puts them one by one into a mapping made in Python."""
    if type(headers) is not CaseInsensitiveDict:
        return headers.copy()
    copied: Any = CaseInsensitiveDict.__new__(CaseInsensitiveDict)
    copied.__dict__.update({name: store.copy() for name, store in vars(headers).items()})
    return copied


def identity_of(policy: Policy) -> Identity | None:
    """Return what a policy tells of us; `None` if it is what requests does."""
    return Identity(policy) if policy.headers or policy.auth else None


def signs(policy: Policy) -> bool:
    """Tell whether a policy decides about ``Authorization``, so that no .netrc does."""
    return bool(policy.auth) or "authorization" in policy.headers.by_name()


def _authorization_of(policy: Policy) -> Callable[[], str | None] | None:
    """Return what returns the value of ``Authorization``, which may change."""
    auth = policy.auth
    if not isinstance(auth, Auth):
        by_name = policy.headers.by_name()
        if "authorization" not in by_name:
            return None
        value = by_name["authorization"]
        text = reveal(value) if isinstance(value, str | Secret) else None
    elif auth.bearer_file is not None:
        file = bearer_file(auth.bearer_file)
        return lambda: f"Bearer {file.token()}"
    elif auth.bearer is not None:
        text = f"Bearer {reveal(auth.bearer)}"
    else:
        text = _basic_auth_str(reveal(auth.username or ""), reveal(auth.password or ""))
    return lambda: text
