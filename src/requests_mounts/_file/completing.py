"""The keys without which an expectation of some keys of a table could not be validated."""

from typing import Any

from requests_mounts._file.merging import Table, as_table


def completed(table: Any) -> Any:
    """Give an expectation of some keys of a table those that a policy needs beside them."""
    tables = {key: value for key, value in as_table(table).items() if isinstance(value, dict)}
    added = {key: _beside(key, value) | value for key, value in tables.items()}
    return table | added if added else table


def _beside(key: str, table: Table) -> Table:
    """Return what the keys of a table cannot do without; an empty one stays a mistake."""
    match key:
        case "max_retries":
            return {"total": 0}
        case "retry_budget" if table:
            return {"tokens": 1}
        case "limit" if table:
            return {"rate": 1}
        case "breaker" if table:
            either = {} if table.keys() & {"failures", "ratio"} else {"ratio": 1}
            times = {"open_for": 1e-9, "max_open_for": 1e9}
            return either | (times if len(table.keys() & times.keys()) == 1 else {})
    return {}
