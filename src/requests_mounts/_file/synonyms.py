"""The key or the header that does what one of another name seems to mean."""

from dataclasses import fields
from difflib import get_close_matches

from requests_mounts._file.merging import as_table
from requests_mounts._file.policy import Policy
from requests_mounts._toml import KeyPath, show_key, show_text

_A_PREFIX = '[mounts."https://api.example.com/"]'
_NAMES_OF_PREFIXES = ("prefix", "url", "base_url", "host", "name")

_OTHER_NAMES = {
    "": {
        "tls": "ssl ssl_context",
        "tls.verify": "verify ssl_verify insecure ca ca_bundle ca_certs",
        "tls.cert_file": "cert cert_file certificate client_cert",
        "tls.key_file": "key key_file",
        "tls.assert_fingerprint": "fingerprint assert_fingerprint",
        "max_retries": "retries retry max_retry",
        "max_retries.allowed_methods": "allowed_methods method_whitelist",
        "max_retries.status_forcelist": "status_forcelist retry_on",
        "max_retries.backoff_factor": "backoff backoff_factor",
        "pool_maxsize": "max_connections maxsize pool_size connections",
        "pool_connections": "num_pools max_pools",
        "pool_block": "block pool_blocking",
        "proxy": "proxies http_proxy https_proxy",
        "timeout.connect": "connect_timeout",
        "timeout.read": "read_timeout",
        "deadline": "total_timeout",
        "keepalive_expiry": "keepalive keep_alive idle_timeout",
    },
    "max_retries": {
        "total": "max retries max_retries",
        "allowed_methods": "methods method_whitelist",
        "status_forcelist": "status_codes statuses",
        "backoff_factor": "backoff",
        "backoff_jitter": "jitter",
    },
    "limit": {
        "rate": "rps requests_per_second limit",
        "per": "period interval",
        "concurrency": "max_concurrency concurrent parallel",
    },
    "breaker": {
        "failures": "threshold failure_threshold fail_max",
        "open_for": "reset_timeout recovery_timeout timeout",
        "probes": "half_open_requests success_threshold",
    },
    "auth": {
        "bearer": "token access_token bearer_token api_key",
        "bearer_file": "token_file",
        "username": "user name login",
        "password": "pass passwd",
    },
    "timeout": {"deadline, beside timeout,": "total", "pool_timeout, beside timeout,": "pool"},
    "tls": {
        "verify": "ca ca_bundle ca_certs ca_file cafile",
        "cert_file": "cert certfile certificate",
        "key_file": "key keyfile",
        "key_password": "password",
        "minimum_version": "min_version",
        "maximum_version": "max_version",
        "server_hostname": "sni",
        "assert_hostname": "check_hostname",
        "assert_fingerprint": "fingerprint",
    },
}
"""For each table of a policy its keys, with the names that other libraries and releases have."""
_KEYS = {
    table: {name: key for key, names in keys.items() for name in names.split()}
    for table, keys in _OTHER_NAMES.items()
}
_OURS = "requests-mounts"
_OF_A_REQUEST = {"params", "data", "json", "cookies", "files", "hooks", "stream", "allow_redirects"}


def other_key(path: KeyPath, value: object) -> str:
    """Say which key does what an unknown one seems to mean; empty if nobody can tell."""
    *parents, unknown = map(str, path)
    name = unknown.replace("-", "_").lower()
    if not parents:
        return _other_table(unknown, name, value)
    nested = len(path) > (2 if parents[0] == "defaults" else 3)
    table = parents[-1] if nested else ""
    known = _KEYS.get("limit" if parents[0] == "limits" else table, {})
    if name in known:
        return f", write {(not nested and _whole(name, value)) or known[name]} instead"
    if name in {"policy", "ignore"} and parents == ["defaults"]:
        return ", write it in a policy or a mount instead"
    if name == "extends" and not nested:
        return _extends(parents, value)
    if name in _OF_A_REQUEST:
        return ", pass it with each request instead"
    return f", the prefix belongs in the header: {_A_PREFIX}" if name in _NAMES_OF_PREFIXES else ""


def _extends(parents: list[str], value: object) -> str:
    """Tell the files that a file extends from the policy that a table does."""
    file = not isinstance(value, str) or any(char in value for char in "./\\")
    if file or parents[0] == "defaults":
        return ", write it at the top of the file instead, before all tables"
    return ", write policy instead"


def _whole(name: str, value: object) -> str:
    """Write the key with its value, where requests takes another shape; empty if it is as here."""
    match name, value:
        case "cert", [str() as certificate, str() as key]:
            pair = f"cert_file = {show_text(certificate)}, key_file = {show_text(key)}"
            return f"tls = {{ {pair} }}"
        case "proxies", dict() if value:
            urls = {url for url in value.values() if isinstance(url, str)}
            if len(urls) != 1:
                return "proxy, one URL in each mount,"
            return "" if "@" in min(urls) else f"proxy = {show_text(min(urls))}"
    return ""


def _other_table(unknown: str, name: str, value: object) -> str:
    """Say where at the top of a file something belongs."""
    if "://" in unknown:
        return f", write [{show_key(('mounts', unknown))}]"
    if name in {"mount", "prefix", "prefixes", "hosts", "urls"}:
        return f", write {header_of(value)}"
    has_tables = any(isinstance(table, dict) for table in as_table(value).values())
    if name == "policy" or (name == "limit" and has_tables):
        return f", write [{'policies' if name == 'policy' else 'limits'}.NAME]"
    if table := _tool_table(unknown, value):
        return f", leave {table} out of all headers in a file of its own"
    if name in (field.name for field in fields(Policy)):
        return f", write {name} in [defaults] or in a mount"
    return f", write {_KEYS[''][name]} in [defaults] instead" if name in _KEYS[""] else ""


def _tool_table(unknown: str, value: object) -> str:
    """Name the table that would be ours in a pyproject.toml, also one of nearly its name."""
    names = value if unknown == "tool" and isinstance(value, dict) else [unknown]
    close = get_close_matches(_OURS, names, n=1)
    return show_key(("tool", *close) if unknown == "tool" else (*close,)) if close else ""


def header_of(value: object) -> str:
    """Write the header of the mount that a table of another form means, or an example of one."""
    tables = value if isinstance(value, list) else [value]
    first = tables[0] if tables and isinstance(tables[0], dict) else {}
    named = [first[key] for key in _NAMES_OF_PREFIXES if isinstance(first.get(key), str)]
    prefix = next((text for text in (*first, *named) if "://" in text), None)
    return f"[{show_key(('mounts', prefix))}]" if prefix else _A_PREFIX
