"""Whether the TLS settings of a file can be used: tried once when it is loaded.

Needs the standard library alone. The contexts that connections use are made elsewhere.
"""

import os
import ssl
from collections.abc import Iterator

from requests_mounts._file.policy import Tls
from requests_mounts._secret import reveal
from requests_mounts._toml import show_value

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def tls_problems(tls: Tls) -> Iterator[tuple[str, str]]:
    """Name the keys that cannot be used, and why."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(tls.verify, str) and (problem := _verify_problem(context, tls.verify)):
        yield "verify", problem
    if tls.cert_file:
        yield from _certificate_problems(context, tls, tls.cert_file)
    elif tls.key_file:
        yield "key_file", "expected a cert_file beside it (got none)"
    if tls.ciphers:
        try:
            context.set_ciphers(reveal(tls.ciphers))
        except ssl.SSLError:
            yield "ciphers", f"expected ciphers that OpenSSL knows (got {show_value(tls.ciphers)})"
    oldest, newest = tls.minimum_version, tls.maximum_version
    if oldest and newest and VERSIONS[oldest] > VERSIONS[newest]:
        yield "minimum_version", f"expected at most the maximum_version {newest} (got {oldest})"


def load_certificate(context: ssl.SSLContext, tls: Tls) -> None:
    """Load the client certificate; raises `OSError` (`ssl.SSLError`) or `ValueError`."""

    def password() -> str:
        if tls.key_password is None:  # Otherwise OpenSSL would ask in the terminal.
            raise ValueError("its key needs a key_password")
        return reveal(tls.key_password)

    key_file = reveal(tls.key_file) if tls.key_file else None
    context.load_cert_chain(reveal(tls.cert_file or ""), key_file, password)


def _verify_problem(context: ssl.SSLContext, path: str) -> str | None:
    name = reveal(path)
    try:
        if not os.path.isdir(name):  # noqa: PTH112 - a path as requests takes it
            context.load_verify_locations(name)
    except (OSError, ValueError) as error:
        return f"expected CA certificates (got {show_value(path)}: {_reason(error)})"
    return None


def _certificate_problems(
    context: ssl.SSLContext, tls: Tls, cert_file: str
) -> Iterator[tuple[str, str]]:
    missing = False
    for key, path in (("cert_file", cert_file), ("key_file", tls.key_file)):
        if path and not os.path.isfile(reveal(path)):  # noqa: PTH113 - as above
            missing = True
            yield key, f"expected a file (got {show_value(path)}: there is none)"
    if missing:
        return
    try:
        load_certificate(context, tls)
    except (OSError, ValueError) as error:
        reason = _reason(error)
        message = f"expected a certificate and its key (got {show_value(cert_file)}: {reason})"
        yield "cert_file", message


def _reason(error: OSError | ValueError) -> str:
    """Say in words what OpenSSL says in codes."""
    code = getattr(error, "reason", None)
    if code == "KEY_VALUES_MISMATCH":
        return "the key does not fit the certificate"
    if code:
        return str(code).replace("_", " ").lower()
    if isinstance(error, ssl.SSLError):
        return "no PEM, or a wrong password"
    return getattr(error, "strerror", None) or str(error)
