"""The schema of the file, as an editor uses it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pydantic
import pytest

from requests_mounts import ConfigError, json_schema, parse_config

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "schema/mounts.schema.json"
TAPLO = Path(sys.executable).with_name("taplo")


@pytest.mark.skipif(
    tuple(map(int, pydantic.VERSION.split(".")[:2])) < (2, 14),
    reason="older releases of pydantic say the same in other words",
)
def test_the_schema_in_the_repository_is_the_generated_one() -> None:
    """To renew it: requests-mounts schema --output schema/mounts.schema.json."""
    assert json.loads(SCHEMA.read_text("utf-8")) == json_schema()


def test_every_key_has_a_description() -> None:
    """An editor shows it when the pointer rests on the key."""
    schema = json_schema()
    for table in (schema, *schema["$defs"].values()):
        assert table["additionalProperties"] is False
        for name, value in table["properties"].items():
            assert value.get("description"), name


def test_an_editor_can_complete_values() -> None:
    """The choices of a key are in the schema."""
    schema = json_schema()
    policy, tls = (schema["$defs"][name]["properties"] for name in ("Policy", "Tls"))
    assert schema["properties"]["unmatched"]["enum"] == ["allow", "deny"]
    assert "no-timeout" in schema["properties"]["ignore"]["items"]["enum"]
    assert "TLSv1.3" in tls["minimum_version"]["enum"]
    assert policy["proxy"]["anyOf"][0]["enum"] == ["env", "direct"]
    assert policy["pool_block"]["type"] == ["boolean", "string"]
    assert policy["pool_block"]["description"] == (
        "Never open more than `pool_maxsize` connections in a pool; wait for a free one instead."
    )


def test_a_reference_stands_for_a_number_or_a_boolean(tmp_path: Path) -> None:
    """If it is nothing else, and in a prefix anywhere."""
    path = tmp_path / "mounts.toml"
    path.write_text(
        """
        [defaults]
        timeout = "${TIMEOUT:-10}"
        deadline = "${DEADLINE}"
        pool_maxsize = "${POOL:-10}"
        pool_block = "${BLOCK}"
        max_retries = { total = "${RETRIES}", read = false }
        [mounts."https://api.${ENV}.example.com/"]
        """
    )
    assert lint(path).stderr.count("error: ") == 0
    path.write_text('[defaults]\npool_maxsize = "about ${POOL}"')
    assert '"about ${POOL}" is not of type "integer"' in lint(path).stderr


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    """Validate a file as an editor does."""
    command = [str(TAPLO), "lint", "--no-auto-config", "--schema", SCHEMA.as_uri(), str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


FILES = sorted((*ROOT.glob("examples/*.toml"), *ROOT.glob("tests/data/valid/*.toml")))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_valid_files_are_valid_for_an_editor(path: Path) -> None:
    """The schema accepts what the loader accepts."""
    done = lint(path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "[defaults]\npool_maxsise = 1",
        "[defaults]\npool_maxsize = 0",
        "[defaults]\npool_maxsize = '1'",
        "[mounts.'https://h/']\nmax_retries = { total = 1, allowed_methods = 'all' }",
        "[mount.'https://h/']",
    ],
)
def test_invalid_files_are_invalid_for_an_editor(text: str, tmp_path: Path) -> None:
    """The schema refuses what the loader refuses."""
    path = tmp_path / "mounts.toml"
    path.write_text(text)
    assert lint(path).returncode == 1
    with pytest.raises(ConfigError):
        parse_config(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[defaults]\ntimeout = "30s"', '"30s" is not of types "number", "object"'),
        ("[defaults]\ntimeout = 0", "0 is less than or equal to the minimum of 0"),
        ("[defaults]\ndeadline = true", 'true is not of type "number"'),
        ("[defaults.timeout]\nconect = 1", "('conect' was unexpected)"),
        ("[defaults]\nmax_retries = { total = true }", "false was expected"),
        ("[defaults]\nmax_retries = -1", "-1 is less than the minimum of 0"),
        ("[defaults.max_retries]\nallowed_methods = 'all'", '"any" was expected'),
        ("[defaults]\ntls.verify = 3", '3 is not of types "boolean", "string"'),
        ("[defaults]\ntls = true", 'true is not of type "object"'),
        ("[mounts.'ftp://h/']", '"ftp://h/" does not match'),
        ("[policies.'']", '"" is shorter than 1 character'),
    ],
)
def test_a_mistake_has_one_message(text: str, message: str, tmp_path: Path) -> None:
    """It says what is expected of a value, not that none of several schemas fits."""
    path = tmp_path / "mounts.toml"
    path.write_text(text)
    found = set(re.findall(r"^error: (.*)$", lint(path).stderr, re.MULTILINE))
    assert len(found) == 1
    assert message in found.pop()


def walk(schema: Any) -> list[dict[str, Any]]:
    """Return a schema and all that it is made of."""
    children = schema.values() if isinstance(schema, dict) else schema
    found = [one for child in children if isinstance(child, (dict, list)) for one in walk(child)]
    return [schema, *found] if isinstance(schema, dict) else found


def test_the_schema_speaks_of_what_a_person_may_write() -> None:
    """It has a name, and neither null, which TOML has not, nor titles made of the keys."""
    schema = json_schema()
    assert (schema["$id"], schema["title"]) == (
        "urn:requests-mounts:mounts.schema.json",
        "requests-mounts",
    )
    assert '"null"' not in json.dumps(schema)
    assert [one["title"] for one in walk(schema) if isinstance(one.get("title"), str)] == [
        schema["title"]
    ]
    assert all("default" not in one or one["default"] is not None for one in walk(schema))
