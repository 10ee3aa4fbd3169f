"""The package as it is delivered: its names, its schema, its examples, its README."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pydantic
import pytest
import tomli

import requests_mounts
from requests_mounts import json_schema, parse_config

ROOT = Path(__file__).parents[1]
TAPLO = Path(sys.executable).with_name("taplo")
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_top_level_is_tidy() -> None:
    """Nothing but what the project needs, beside dotfiles."""
    names = run("git", "ls-tree", "--name-only", "HEAD").stdout.split()
    assert {name for name in names if not name.startswith(".")} <= {
        "LICENSE", "README.md", "examples", "pyproject.toml", "schema", "src", "tests",
    }  # fmt: skip


def test_the_library_has_four_dependencies() -> None:
    """No more are needed at run time."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.split("[^a-z0-9-]", line)[0] for line in project["dependencies"]]
    assert names == ["pydantic", "requests", "tomli", "urllib3"]


def test_public_names() -> None:
    """All of them are there, each with a docstring."""
    for name in requests_mounts.__all__:
        assert getattr(requests_mounts, name).__doc__
    assert requests_mounts.__all__ == sorted(requests_mounts.__all__)


def test_validation_needs_no_requests() -> None:
    """A file is read without the library that will use it."""
    code = (
        "import sys; sys.modules['requests'] = sys.modules['urllib3'] = None;"
        "from requests_mounts import parse_config, json_schema; json_schema();"
        "print(len(parse_config('[mounts.\"https://h\"]').mounts))"
    )
    done = run(sys.executable, "-c", code)
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="module 'requests_mounts' has no attribute 'nope'"):
        requests_mounts.nope  # noqa: B018 - the access is what is tested
    assert "load_session" in dir(requests_mounts)


# --- schema -------------------------------------------------------------------------------------


@pytest.mark.skipif(
    tuple(map(int, pydantic.VERSION.split(".")[:2])) < (2, 14),
    reason="older releases of pydantic say the same in other words",
)
def test_the_schema_in_the_repository_is_the_generated_one() -> None:
    """To renew it: python -c "import requests_mounts, json; print(json.dumps(...))"."""
    path = ROOT / "schema/mounts.schema.json"
    assert json.loads(path.read_text("utf-8")) == json_schema()


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
    assert "TLSv1.3" in tls["minimum_version"]["anyOf"][0]["enum"]
    assert policy["proxy"]["anyOf"][0]["enum"] == ["env", "direct"]
    assert policy["pool_block"] | {"title": ""} == {
        "type": "boolean", "default": False, "title": "",
        "description": "Never open more than `pool_maxsize` connections in a pool; wait for a free one instead.",
    }  # fmt: skip


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    """Validate a file as an editor does."""
    schema = (ROOT / "schema/mounts.schema.json").as_uri()
    return run(TAPLO, "lint", "--no-auto-config", "--schema", schema, path)


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
    with pytest.raises(requests_mounts.ConfigError):
        parse_config(text)


# --- examples and README ------------------------------------------------------------------------


def digits_hidden(text: str) -> str:
    """Hide what differs from run to run: the ports."""
    return re.sub(r"(?<=127\.0\.0\.\d:)\d{5}", "#####", text)


@pytest.mark.parametrize("name", ["quickstart", "articles"])
def test_example(name: str) -> None:
    """An example prints what its text in the tests says."""
    done = run(sys.executable, f"examples/{name}.py")
    assert done.stderr == ""
    expected = (ROOT / f"tests/data/examples/{name}.txt").read_text("utf-8")
    assert digits_hidden(done.stdout) == expected


def test_the_set_up_is_two_lines() -> None:
    """The first two blocks are for a shell, a line each."""
    (one, first), (two, second), *_ = BLOCKS
    assert one == two == "sh"
    assert first.count("\n") == second.count("\n") == 1
    assert "examples/quickstart.py" in first
    assert "pytest" in second


def test_the_code_of_the_readme_runs(tmp_path: Path) -> None:
    """Its TOML is a valid file, and its Python uses it."""
    (toml,) = [text for language, text in BLOCKS if language == "toml"]
    (tmp_path / "mounts.toml").write_text(toml, "utf-8")
    (python,) = [text for language, text in BLOCKS if language == "python"]
    done = run(
        sys.executable, "-c", python.replace("session.get", "session.get_adapter"), cwd=tmp_path
    )
    assert done.stderr == ""


def test_the_diagnostics_of_the_readme_are_real() -> None:
    """What it shows is what the library says."""
    shown = [text for language, text in BLOCKS if language == "text"]
    broken = '[mounts."https://api.example.com/"]\npool_maxsise = 50\npool_block = "yes"\n'
    with pytest.raises(requests_mounts.ConfigError) as caught:
        parse_config(broken, source="mounts.toml")
    assert f"{caught.value}\n" in shown
