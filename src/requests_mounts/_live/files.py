"""The files that a configuration depends on, and how to see that one was replaced."""

import os
from collections.abc import Iterator

from requests_mounts._file.config import Config, policies_of
from requests_mounts._file.document import Version
from requests_mounts._file.policy import Policy
from requests_mounts._secret import Secret, reveal


def versions(config: Config) -> dict[str, Version | None]:
    """Look at each file of a configuration, and each that a mount of it names, once."""
    paths = dict.fromkeys(config.files)
    for policy in policies_of(config):
        paths.update(dict.fromkeys(files_of(policy)))
    return {path: _version(path) for path in paths}


def versions_read(config: Config) -> dict[str, Version | None]:
    """Name the versions of the files that a configuration was read from, perhaps long ago."""
    documents = config.layers.documents
    return {document.file: document.version for document in documents if document.file}


def files_of(policy: Policy) -> Iterator[str]:
    """Name the files of certificates, keys and tokens that a policy depends on."""
    tls, auth = policy.tls, getattr(policy, "auth", None)
    named = (tls.verify, tls.cert_file, tls.key_file) if tls else ()
    for path in (*named, getattr(auth, "bearer_file", None)):
        if isinstance(path, str) or (isinstance(path, Secret) and not path.missing):
            yield reveal(path)


def _version(path: str) -> Version | None:
    """Return the version of a file; `None` if there is none that can be looked at."""
    try:
        return Version.of(os.stat(path))  # noqa: PTH116 - a path as a file has it
    except (OSError, ValueError):
        return None
