"""Files and what becomes of them, word for word: pairs of a TOML file and a text."""

from dataclasses import fields
from pathlib import Path

import pytest

from requests_mounts import Config, ConfigError, load_config
from requests_mounts._file.policy import Policy

DATA = Path(__file__).parents[1] / "data"


def pairs(folder: str) -> list[object]:
    return [pytest.param(path, id=path.stem) for path in sorted((DATA / folder).glob("*.toml"))]


def summary(config: Config) -> str:
    """List the mounts, longest first, with the settings that differ from the built-in ones."""
    lines = []
    for mount in config.mounts:
        lines.append(mount.text)
        for field in fields(Policy):
            value = getattr(mount.policy, field.name)
            if value != getattr(Policy(), field.name):
                lines.append(f"    {field.name} = {value}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", pairs("valid"))
def test_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A valid file has the mounts and policies of its text."""
    monkeypatch.chdir(DATA)
    expected = path.with_suffix(".txt").read_text("utf-8")
    assert summary(load_config(path.relative_to(DATA))) == expected


@pytest.mark.parametrize("path", pairs("invalid"))
def test_invalid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every problem of a broken file is reported at once, as its text has it."""
    monkeypatch.chdir(DATA)
    with pytest.raises(ConfigError) as caught:
        load_config(path.relative_to(DATA))
    shown = str(caught.value).replace(f"{DATA}/", "")
    assert f"{shown}\n" == path.with_suffix(".txt").read_text("utf-8")
