"""The TLS contexts of connections: made once for equal settings, and never changed by a request.

requests gives every new connection a context of its own and loads the CA certificates into it; that
takes most of the time of a connection. urllib3 changes the context that it is given only where the
settings of a pool ask for it, so a pool gets those settings through the context alone.
"""

import os
import ssl
from functools import lru_cache
from threading import Lock

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from requests_mounts._file.policy import Tls
from requests_mounts._file.tls import VERSIONS, load_certificate
from requests_mounts._secret import reveal

_one_at_a_time = Lock()


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the context for some settings, the same as long as their files do not change.

    Raises `OSError` where a file cannot be read.
    """
    with _one_at_a_time:  # Threads that met here with contexts of their own would not share pools.
        return _make(tls, _files(tls))


def proxy_context(verify: bool | str | None) -> ssl.SSLContext:  # noqa: FBT001 - as in a file
    """Return a context for the TLS to a proxy itself, which shows it no client certificate.

    It is shared with nothing: older releases of urllib3 change it as the requests through it say.
    """
    return _make.__wrapped__(Tls(verify=verify), _files(Tls(verify=verify)))


def _files(tls: Tls) -> tuple[tuple[str, int, int], ...]:
    """Name the files that a context is made of, the authorities first, each with its version."""
    verify = reveal(tls.verify) if isinstance(tls.verify, str) else DEFAULT_CA_BUNDLE_PATH
    paths = [] if tls.verify is False else [verify]
    paths += [reveal(path) for path in (tls.cert_file, tls.key_file) if path]
    return tuple((path, *_version(path)) for path in paths)


def _version(path: str) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - a path as requests takes it
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=64)
def _make(tls: Tls, files: tuple[tuple[str, int, int], ...]) -> ssl.SSLContext:
    """Make a context as urllib3 would; the versions of the files are part of the cache's key."""
    context = create_urllib3_context(
        cert_reqs=ssl.CERT_NONE if tls.verify is False else ssl.CERT_REQUIRED,
        ssl_minimum_version=VERSIONS.get(tls.minimum_version or ""),
        ssl_maximum_version=VERSIONS.get(tls.maximum_version or ""),
        ciphers=reveal(tls.ciphers) if tls.ciphers else None,
    )
    if tls.assert_hostname is not None or tls.assert_fingerprint:
        context.check_hostname = False  # urllib3 checks what is asserted instead.
    if tls.verify is not False:
        authorities = files[0][0]
        if os.path.isdir(authorities):  # noqa: PTH112 - as above
            context.load_verify_locations(capath=authorities)
        else:
            context.load_verify_locations(cafile=authorities)
    if tls.cert_file:
        load_certificate(context, tls)
    return context
