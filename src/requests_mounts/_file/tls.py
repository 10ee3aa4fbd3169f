"""Whether the TLS settings of a file can be used: tried once when it is loaded.

Needs the standard library alone. The contexts that connections use are made elsewhere.
"""

import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import replace

from requests_mounts._file.options import Tls
from requests_mounts._secret import Secret, is_missing, reveal
from requests_mounts._toml import show_path, show_value

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_OLDEST = "TLSv1.2"  # The minimum_version of urllib3, where nothing else is said.


def tls_problems(tls: Tls, *, open_files: bool = True) -> Iterator[tuple[str, str]]:
    """Name the keys that cannot be used, and why.

    What lacks a variable is not tried out, nor what depends on it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if open_files:
        yield from _file_problems(context, tls)
    if tls.key_file and not tls.cert_file:
        yield "key_file", "expected a cert_file beside it (got none)"
    if tls.ciphers and not is_missing(tls.ciphers):
        try:
            context.set_ciphers(reveal(tls.ciphers))
        except (ssl.SSLError, ValueError):  # The latter of a NUL character.
            yield "ciphers", f"expected ciphers that OpenSSL knows (got {show_value(tls.ciphers)})"
    oldest, newest = tls.minimum_version or _OLDEST, tls.maximum_version
    if newest and VERSIONS[oldest] > VERSIONS[newest]:
        if tls.minimum_version:
            yield "minimum_version", f"expected at most the maximum_version {newest} (got {oldest})"
        else:
            message = f"expected {oldest} or newer without a minimum_version (got {newest})"
            yield "maximum_version", message


def load_certificate(context: ssl.SSLContext, tls: Tls) -> None:
    """Load the client certificate; raises `OSError` (`ssl.SSLError`) or `ValueError`."""

    def password() -> str:
        if tls.key_password is None:  # Otherwise OpenSSL would ask in the terminal.
            raise ValueError("its key needs a key_password")
        return reveal(tls.key_password)

    key_file = reveal(tls.key_file) if tls.key_file else None
    context.load_cert_chain(reveal(tls.cert_file or ""), key_file, password)


def _file_problems(context: ssl.SSLContext, tls: Tls) -> Iterator[tuple[str, str]]:
    verify = None if is_missing(tls.verify) else tls.verify
    if isinstance(verify, str | Secret) and (problem := _verify_problem(context, verify)):
        yield "verify", problem
    if tls.cert_file and not any(map(is_missing, (tls.cert_file, tls.key_file, tls.key_password))):
        yield from _certificate_problems(context, tls, tls.cert_file)


def _verify_problem(context: ssl.SSLContext, path: str | Secret) -> str | None:
    name = reveal(path)
    try:
        if not os.path.isdir(name):  # noqa: PTH112 - a path as requests takes it
            context.load_verify_locations(name)
    except (OSError, ValueError) as error:
        got = f"got {show_path(path)}: {describe(error)}"
        return f"expected CA certificates ({got}){_hint(path)}"
    return None


def _certificate_problems(
    context: ssl.SSLContext, tls: Tls, cert_file: str | Secret
) -> Iterator[tuple[str, str]]:
    missing = False
    for key, path in (("cert_file", cert_file), ("key_file", tls.key_file)):
        if path and not os.path.isfile(reveal(path)):  # noqa: PTH113 - as above
            missing = True
            yield key, f"expected a file (got {show_path(path)}: there is none){_hint(path)}"
    if missing:
        return
    try:
        load_certificate(context, tls)
    except (OSError, ValueError) as error:
        if tls.key_password is not None and _is_encrypted(context, tls):
            key = show_path(tls.key_file or cert_file)
            yield "key_password", f"expected the password of {key} (got another)"
            return
        reason = describe(error)
        message = f"expected a certificate and its key (got {show_path(cert_file)}: {reason})"
        yield "cert_file", message


def _is_encrypted(context: ssl.SSLContext, tls: Tls) -> bool:
    """Tell whether OpenSSL asks for a password before anything else is wrong."""
    try:
        load_certificate(context, replace(tls, key_password=None))
    except ValueError:
        return True
    except OSError:
        pass
    return False


def _hint(path: str | Secret) -> str:
    """Say what is not done to a path that a shell would do."""
    if isinstance(path, Secret):
        return ""
    if re.search(r"(?:^|[/\\])~", path):
        return "; ~ is not expanded, write the whole path"
    found = re.search(r"\$([A-Za-z_]\w*)", path)
    return f"; write ${{{found[1]}}} for the variable" if found else ""


def describe(error: OSError | ValueError) -> str:
    """Say in words, without the path, what OpenSSL or the system says in codes."""
    code = getattr(error, "reason", None)
    if code == "KEY_VALUES_MISMATCH":
        return "the key does not fit the certificate"
    if code:
        return str(code).replace("_", " ").lower()
    if isinstance(error, ssl.SSLError):
        return "no certificate or no key in the PEM format"
    return getattr(error, "strerror", None) or str(error)
