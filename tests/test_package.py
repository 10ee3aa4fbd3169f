"""The package as it is delivered: its names, its schema, its examples, its README."""

import importlib
import pickle
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import tomli
import urllib3

import requests_mounts
import requests_mounts._sending
import requests_mounts.typing
from requests_mounts import parse_config
from requests_mounts._command.check import check

ROOT = Path(__file__).parents[1]
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


def test_the_library_has_five_dependencies() -> None:
    """No more are needed at run time."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.split("[^a-z0-9-]", line)[0] for line in project["dependencies"]]
    assert names == ["idna", "pydantic", "requests", "tomli", "urllib3"]


def test_public_names() -> None:
    """All of them are there, each with a docstring."""
    for name in requests_mounts.__all__:
        assert getattr(requests_mounts, name).__doc__
    assert requests_mounts.__all__ == sorted(requests_mounts.__all__)
    assert requests_mounts.__version__ == version("requests-mounts")


def test_types_for_annotations() -> None:
    """What public signatures mention and has no public constructor can be imported for them."""
    config = parse_config('[mounts."https://h/x"]')
    found = requests_mounts.MountedSession(config).explain("https://h/")
    assert isinstance(found.settings[0], requests_mounts.typing.Setting)
    assert isinstance(found.others[0], requests_mounts.typing.Loser)
    assert isinstance(config.mounts[0].policy, requests_mounts.typing.Policy)


def test_validation_needs_no_requests() -> None:
    """A file is read without the library that will use it."""
    code = (
        "import sys; sys.modules['requests'] = sys.modules['urllib3'] = None;"
        "from requests_mounts import parse_config, json_schema; json_schema();"
        "print(len(parse_config('[mounts.\"https://h\"]').mounts))"
    )
    done = run(sys.executable, "-c", code)
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_a_file_without_problems_does_not_wait_for_what_explains_them() -> None:
    """Nor for what prints, or for the places of keys that nobody asks for."""
    unneeded = {f"requests_mounts._file.{name}" for name in ("hints", "positions", "syntax", "tls")}
    code = (
        "import sys; from requests_mounts import parse_config;"
        "parse_config('[mounts.\"https://h\"]'); print(*sys.modules)"
    )
    loaded = set(run(sys.executable, "-c", code).stdout.split())
    assert "requests_mounts._file.document" in loaded
    assert not loaded & (unneeded | {"requests_mounts._command", "requests_mounts._file.schema"})


def test_a_fork_in_the_place_of_urllib3_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing what sends says what it needs."""
    monkeypatch.setattr(urllib3, "AsyncPoolManager", object, raising=False)
    needs = "needs urllib3, and urllib3-future is installed in its place"
    with pytest.raises(ImportError, match=needs):
        importlib.reload(requests_mounts._sending)


def test_public_classes_name_the_public_path() -> None:
    """In tracebacks, and in pickles, which are loaded where the inner modules are named otherwise."""
    for name in requests_mounts.__all__:
        value = getattr(requests_mounts, name)
        if isinstance(value, type):
            assert value.__module__ == "requests_mounts", name
            assert pickle.loads(pickle.dumps(value)) is value


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As for any module."""
    with pytest.raises(AttributeError, match="module 'requests_mounts' has no attribute 'nope'"):
        requests_mounts.nope  # type: ignore[attr-defined]  # noqa: B018 - the access is what is tested
    assert "load_session" in dir(requests_mounts)


# --- examples and README ------------------------------------------------------------------------


def digits_hidden(text: str) -> str:
    """Hide what differs from run to run: the ports."""
    return re.sub(r"(?<=127\.0\.0\.\d:)\d{5}", "#####", text)


@pytest.mark.parametrize("name", ["quickstart", "articles", "reload"])
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
    """Each block of TOML is a valid file without warnings, and each block of Python runs beside the first one."""
    files = [text for language, text in BLOCKS if language == "toml"]
    for text in files:
        assert check(parse_config(text)) == ()
    (tmp_path / "mounts.toml").write_text(files[0], "utf-8")
    for code in [text for language, text in BLOCKS if language == "python"]:
        offline = code.replace("session.get(", "session.get_adapter(")
        done = run(sys.executable, "-W", "error", "-c", offline, cwd=tmp_path)
        assert done.stderr == ""


def test_the_diagnostics_of_the_readme_are_real() -> None:
    """What it shows is what the library says."""
    shown = [text for language, text in BLOCKS if language == "text"]
    broken = '[mounts."https://api.example.com/"]\npool_maxsise = 50\npool_block = "yes"\n'
    with pytest.raises(requests_mounts.ConfigError) as caught:
        parse_config(broken, source="mounts.toml")
    assert f"{caught.value}\n" in shown
