"""The TLS contexts of connections: made once for equal settings and files, and never changed.

requests gives every new connection a context of its own and loads the CA certificates into it; that
takes most of the time of a connection. Here a pool has a `TlsContext`, which stands for the newest
context of its settings and looks for it when a handshake begins. So the next connection sees a
replaced file, as in requests, and a request over an open one looks at no file.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple, TypeAlias

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import PoolManager
from urllib3.util import ssl_

from requests_mounts._file.document import Version
from requests_mounts._file.options import Tls
from requests_mounts._file.tls import VERSIONS, describe, load_certificate
from requests_mounts._secret import Secret, reveal
from requests_mounts._sending.locks import ProcessLock
from requests_mounts._toml import show_value

_one_at_a_time = ProcessLock()


class TlsContext:
    """What urllib3 takes for the `ssl.SSLContext` of a pool; equal if the settings are.

    urllib3 sets attributes of a context at each connection, while other threads begin handshakes
    with it. Here that does nothing, and no other verification than that of the settings can be set.
    """

    hostname_checks_common_name = False

    def __init__(self, tls: Tls) -> None:
        _secrets(tls)  # One that lacks its variable raises here, before anything is opened.
        self.tls = tls
        self.check_hostname = tls.verify is not False
        self._hash = hash(tls)  # Of each request's key of a pool.

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TlsContext) and self.tls == other.tls

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<TlsContext {self.tls}>"

    @property
    def verify_mode(self) -> ssl.VerifyMode:
        """Whether servers are verified; setting another mode than that of the settings raises."""
        return ssl.CERT_NONE if self.tls.verify is False else ssl.CERT_REQUIRED

    @verify_mode.setter
    def verify_mode(self, mode: ssl.VerifyMode) -> None:
        if mode != self.verify_mode:
            raise ValueError(f"the context of a mount stays at {self.verify_mode!r} (got {mode!r})")

    def set_alpn_protocols(self, protocols: list[str]) -> None:
        """Do nothing: a context has urllib3's protocols from the beginning.

        OpenSSL frees the old list while other threads may be writing it into a ClientHello.
        """

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Begin TLS on a socket, with the newest context."""
        return tls_context(self.tls).wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """Begin TLS inside another TLS, with the newest context."""
        return tls_context(self.tls).wrap_bio(*args, **kwargs)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the context for some settings, the same as long as their files do not change.

    Only contexts of the standard library's own class are shared. Those of truststore, for one, hold
    a lock during the handshake, which a server that does not answer would keep from all others.

    Raises `ssl.SSLError`, which names the key, if a file cannot be used.
    """
    surroundings = _Surroundings(
        _versions(tls), tuple(ssl_.ALPN_PROTOCOLS), os.environ.get("SSLKEYLOGFILE")
    )
    if ssl_.SSLContext.__module__ != "ssl":
        return _make(tls, surroundings)
    with _one_at_a_time:  # Threads that meet here would load the same files side by side.
        return _share(tls, surroundings)


def write_name(name: str | Secret | Literal[False] | None) -> str | Literal[False] | None:
    """Return a setting for urllib3 to compare with; in its logs it shows as in the file."""
    return _Name.of(name) if isinstance(name, Secret) else name


def hide_names(text: str, tls: Tls) -> str:
    """Write the text of an error with the settings in it as in the file.

    OpenSSL quotes names, and urllib3 fingerprints, in small letters and without colons.
    """
    for secret in filter(None, _secrets(tls)):
        content = reveal(secret)
        for written in (content, content.replace(":", "").lower()):
            text = text.replace(written, str(secret))
    return text


def verify_proxies(manager: PoolManager) -> None:
    """Let the pools of an https proxy verify it as they verify the servers behind it.

    By the same CA certificates, that is; a client certificate is not shown to it. Without a context
    of its own, urllib3 would verify it by the system's certificates, or not at all for an http URL.
    """
    classes = manager.pool_classes_by_scheme.items()
    pools: dict[str, Any] = {name: partial(_open_pool, pool) for name, pool in classes}
    manager.pool_classes_by_scheme = pools


class _Name(str):
    """A text that is used as it is, and shows as the secret that it was revealed from."""

    __slots__ = ("_secret",)

    _secret: Secret

    @classmethod
    def of(cls, secret: Secret) -> "_Name":
        name = cls(reveal(secret))
        name._secret = secret
        return name

    def __str__(self) -> str:
        return str(self._secret)

    def __repr__(self) -> str:
        return repr(self._secret)


_Dated: TypeAlias = tuple[str, Version]
"""A file, and which version of it."""


class _Surroundings(NamedTuple):
    """What a context is made of beside its settings."""

    files: tuple[_Dated, ...]
    protocols: tuple[str, ...]
    key_log: str | None


def _secrets(tls: Tls) -> tuple[Secret, ...]:
    """Return what must not be shown; raises `MountsError` if a variable is missing."""
    values = (getattr(tls, field.name) for field in fields(tls))
    secrets = tuple(value for value in values if isinstance(value, Secret))
    for secret in secrets:
        reveal(secret)
    return secrets


def _versions(tls: Tls) -> tuple[_Dated, ...]:
    """Return the versions of the files that a context is made of."""
    found: list[_Dated] = []
    if tls.verify is not False:
        with _naming("verify", tls.verify):
            authorities = _authorities(tls)
            found += [_version(authorities), *_entries(authorities)]
    for key in ("cert_file", "key_file"):
        if path := getattr(tls, key):
            with _naming(key, path):
                found.append(_version(reveal(path)))
    return tuple(found)


def _version(path: str) -> _Dated:
    return path, Version.of(os.stat(path))  # noqa: PTH116 - a path as requests takes it


def _entries(path: str) -> Iterator[_Dated]:
    """List what a directory of CA certificates holds, but for links that lead nowhere."""
    if os.path.isdir(path):  # noqa: PTH112 - as above
        for name in sorted(os.listdir(path)):  # noqa: PTH208 - as above
            with suppress(OSError):
                yield _version(os.path.join(path, name))  # noqa: PTH118 - as above


def _authorities(tls: Tls) -> str:
    """Return the file or directory of the CA certificates."""
    if tls.verify is None or isinstance(tls.verify, bool):
        return DEFAULT_CA_BUNDLE_PATH
    return reveal(tls.verify)


def _make(tls: Tls, surroundings: _Surroundings) -> ssl.SSLContext:
    """Make a context as urllib3 would for the same settings."""
    context = ssl_.create_urllib3_context(
        cert_reqs=ssl.CERT_NONE if tls.verify is False else ssl.CERT_REQUIRED,
        ssl_minimum_version=VERSIONS.get(tls.minimum_version or ""),
        ssl_maximum_version=VERSIONS.get(tls.maximum_version or ""),
        ciphers=reveal(tls.ciphers) if tls.ciphers else None,
    )
    if tls.assert_hostname is not None or tls.assert_fingerprint:
        context.check_hostname = False  # urllib3 checks what is asserted instead.
    context.set_alpn_protocols(list(surroundings.protocols))
    if tls.verify is not False:
        authorities = _authorities(tls)
        with _naming("verify", tls.verify):
            if os.path.isdir(authorities):  # noqa: PTH112 - as above
                context.load_verify_locations(capath=authorities)
            else:
                context.load_verify_locations(cafile=authorities)
    if tls.cert_file:
        with _naming("cert_file", tls.cert_file):
            load_certificate(context, tls)
    return context


_share = lru_cache(maxsize=64)(_make)


@contextmanager
def _naming(key: str, value: object) -> Iterator[None]:
    """Name the key in errors about its file, in which a path from a variable is not shown."""
    try:
        yield
    except (OSError, ValueError) as error:
        shown = "" if value in {None, True} else f" {show_value(value)}"
        raise ssl.SSLError(f"tls.{key}{shown} cannot be used: {describe(error)}") from None


def _open_pool(pool: Any, host: str, port: int, **settings: Any) -> Any:
    """Make a pool whose proxy is verified as its servers are."""
    proxy_config = settings["_proxy_config"]
    context = proxy_config.ssl_context or TlsContext(Tls(verify=_verify_of(settings)))
    settings["_proxy_config"] = proxy_config._replace(ssl_context=context)
    if settings.get("ssl_context") is None:  # For an http URL; older releases of urllib3 use these.
        settings |= {"ssl_context": context, "cert_reqs": context.verify_mode}
        settings |= {"ca_certs": None, "ca_cert_dir": None}
    return pool(host, port, **settings)


def _verify_of(settings: dict[str, Any]) -> Any:
    """Return how a pool verifies, from the arguments that requests or the adapter makes it with."""
    if isinstance(settings.get("ssl_context"), TlsContext):
        return settings["ssl_context"].tls.verify
    if settings.get("cert_reqs") == "CERT_NONE":
        return False
    return settings.get("ca_certs") or settings.get("ca_cert_dir")
