"""Files that are laid over others."""

import os
from pathlib import Path

import pytest

from requests_mounts import Config, ConfigError, DeniedURL, load_config, load_session, parse_config
from requests_mounts._file.config import Mount
from requests_mounts._file.policy import MountPolicy, Policy


def write(folder: Path, **files: str) -> Path:
    """Write files named by their keys, and return the path of the first."""
    for name, text in files.items():
        folder.joinpath(f"{name}.toml").write_text(text)
    return folder / f"{next(iter(files))}.toml"


def mount_of(config: Config, text: str) -> Mount:
    return next(mount for mount in config.mounts if mount.text == text)


def policy_of(config: Config, text: str) -> Policy:
    return mount_of(config, text).policy


def problems(
    path: Path, *, environ: dict[str, str] | None = None, offline: bool = False
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ=environ, offline=offline)
    return [
        str(one).splitlines()[0].replace(f"{path.parent}{os.sep}", "")
        for one in caught.value.diagnostics
    ]


def test_tables_merge_key_by_key(tmp_path: Path) -> None:
    """Defaults, policies by their names and mounts by what their prefixes mean."""
    path = write(
        tmp_path,
        mounts="""
            extends = "base.toml"
            ignore = ["no-backoff"]
            [defaults]
            timeout.read = 60
            [policies.p]
            max_retries.total = 5
            [mounts."https://API.example.com:443"]
            pool_maxsize = 20
            [mounts."https://new.example.com/"]
            policy = "p"
        """,
        base="""
            unmatched = "deny"
            ignore = ["no-timeout"]
            [defaults]
            timeout = 10
            deadline = 90
            [policies.p]
            max_retries = { total = 1, backoff_factor = 1 }
            pool_maxsize = 5
            [mounts."https://api.example.com/"]
            policy = "p"
            pool_maxsize = 10
            [mounts."https://old.example.com/"]
        """,
    )
    config = load_config(path)
    assert {mount.text for mount in config.mounts[:-2]} == {
        f"https://{name}.example.com/" for name in ("api", "new", "old")
    }
    api, new = (policy_of(config, f"https://{name}.example.com/") for name in ("api", "new"))
    assert (api.pool_maxsize, new.pool_maxsize) == (20, 5)
    for policy in (api, new):
        assert getattr(policy.max_retries, "total", None) == 5
        assert getattr(policy.max_retries, "backoff_factor", None) == 1
        assert (
            getattr(policy.timeout, "connect", None),
            getattr(policy.timeout, "read", None),
        ) == (10, 60)
        assert policy.deadline == 90
    assert config.unmatched == "deny"
    assert config.ignore == ("no-timeout", "no-backoff")
    assert config.files == (str(path), str(tmp_path / "base.toml"))


def test_each_setting_names_the_file_that_it_is_written_in(tmp_path: Path) -> None:
    """Also where the mount stands in both files, under different spellings."""
    path = write(
        tmp_path,
        mounts='extends = "base.toml"\n[mounts."https://H"]\npool_maxsize = 1\n',
        base='[defaults]\ndeadline = 1\n\n[mounts."https://h:443/"]\npool_connections = 2\n[mounts."https://i/"]',
    )
    config = load_config(path)
    mount = mount_of(config, "https://h/")
    base = str(tmp_path / "base.toml")

    def origin(key: str) -> tuple[str | None, int | None, str]:
        found = config.origin(mount, (key,))
        return found.file, found.line, found.layer

    assert origin("pool_maxsize") == (str(path), 3, "mount")
    assert origin("pool_connections") == (base, 5, "mount")
    assert origin("deadline") == (base, 2, "defaults")
    assert str(config.place(mount)) == f"{path}:2"
    assert str(config.place(mount_of(config, "https://i/"))) == f"{base}:6"


def test_the_later_of_several_files_is_stronger(tmp_path: Path) -> None:
    """And the file itself is the strongest, whatever the order of their keys."""
    path = write(
        tmp_path,
        mounts='extends = ["a.toml", "b.toml"]\n[defaults]\npool_connections = 1',
        a="[defaults]\npool_maxsize = 2\npool_connections = 2\ndeadline = 2",
        b="[defaults]\npool_maxsize = 3\npool_connections = 3",
    )
    policy = policy_of(load_config(path), "https://")
    assert (policy.pool_connections, policy.pool_maxsize, policy.deadline) == (1, 3, 2)


def test_a_file_that_is_reached_on_two_ways(tmp_path: Path) -> None:
    """It is read once, and counts where it is strongest."""
    path = write(
        tmp_path,
        mounts='extends = ["a.toml", "b.toml"]',
        a='extends = "c.toml"\n[defaults]\npool_maxsize = 2',
        b='extends = "c.toml"\n[defaults]\ndeadline = 1',
        c="[defaults]\npool_maxsize = 3",
    )
    config = load_config(path)
    assert policy_of(config, "https://").pool_maxsize == 3
    assert [Path(name).stem for name in config.files] == ["mounts", "b", "c", "a"]


def test_many_ways_take_no_time(tmp_path: Path) -> None:
    """Sixteen files, each of which names the next one twice, are read once each."""
    files = {f"f{n}": f'extends = ["f{n + 1}.toml", "f{n + 1}.toml"]' for n in range(15)}
    assert len(load_config(write(tmp_path, **files, f15="")).files) == 16


def test_paths_are_relative_to_the_file_that_writes_them(
    tmp_path: Path, authority_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if a variable is a part of them."""
    monkeypatch.setenv("NAME", "authority")
    for folder in ("a", "a/b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a/authority.pem").write_bytes(Path(authority_file).read_bytes())
    write(
        tmp_path / "a",
        base='[defaults.tls]\nverify = "${NAME}.pem"\n[mounts."https://h/"]\ntls.verify = "authority.pem"\n[mounts."https://i/"]\ntls.verify = "${NO}"',
    )
    path = write(
        tmp_path / "a/b",
        mounts='extends = "../base.toml"\n[mounts."https://i/"]\ntls.verify = true',
    )
    for config in (load_config(path), load_config(path, offline=True)):
        authority = str(tmp_path / "a/authority.pem")
        tls = policy_of(config, "https://h/").tls
        assert tls
        assert tls.verify == authority
        assert policy_of(config, "https://i/").tls != tls
        assert config.files[1] == str(tmp_path / "a/base.toml")


def test_expectations_are_those_of_the_file_itself(tmp_path: Path) -> None:
    """Those of the base are run where the base is checked."""
    path = write(
        tmp_path,
        mounts='extends = "base.toml"',
        base='[[expect]]\nurl = "https://h/"\nmount = "https://h/"',
    )
    assert load_config(path).expect == ()
    assert len(load_config(tmp_path / "base.toml").expect) == 1


def test_a_problem_of_the_base_is_reported_in_the_base(tmp_path: Path) -> None:
    """With its line; problems of the file itself come first."""
    path = write(
        tmp_path,
        mounts='extends = "base.toml"\n[mounts."https://h/"]\npool_maxsise = 1\n',
        base='[mounts."https://H"]\npool_block = 1\n[mounts."x"]\n[policies.p]\npolicy = "q"\n',
    )
    assert problems(path) == [
        'mounts.toml:3:1: mounts."https://h/".pool_maxsise: unknown key, did you mean pool_maxsize?',
        'base.toml:2:14: mounts."https://H".pool_block: expected true or false (got 1); write true',
        'base.toml:3:9: mounts.x: expected http://, https://, or http(s)://host[:port][/path] (got "x")',
        "base.toml:5:10: policies.p.policy: unknown policy; add [policies.q]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"mounts": 'extends = "mounts.toml"'},
            ["mounts.toml:1:11: extends: a file that extends itself: mounts.toml → mounts.toml"],
            id="itself",
        ),
        pytest.param(
            {"mounts": 'extends = "a.toml"', "a": 'extends = "b.toml"', "b": 'x = 1\nextends = ["./a.toml"]'},
            ["b.toml:2:12: extends[0]: a file that extends itself: a.toml → b.toml → a.toml"],
            id="circle",
        ),
        pytest.param(
            {"mounts": '\nextends = ["no.toml", "nor.toml"]'},
            [
                'mounts.toml:2:12: extends[0]: expected a file (got "no.toml": No such file or directory)',
                'mounts.toml:2:23: extends[1]: expected a file (got "nor.toml": No such file or directory)',
            ],
            id="missing",
        ),
        pytest.param(
            {"mounts": 'extends = "${ENV}.toml"'},
            ['mounts.toml:1:11: extends: expected a file (got "${ENV}.toml": No such file or directory; variables are not filled in here)'],
            id="variable",
        ),
        pytest.param(
            {"mounts": 'extends = "a\\u0000b"'},
            ['mounts.toml:1:11: extends: expected a file (got "a\\u0000b": not a path)'],
            id="NUL",
        ),
        pytest.param(
            {"mounts": "extends = 1"},
            ["mounts.toml:1:11: extends: expected the path of a file, or an array of paths (got 1)"],
            id="number",
        ),
        pytest.param(
            {"mounts": 'extends = ["base.toml", 2]', "base": 'extends = ["no.toml", 1]'},
            [
                "mounts.toml:1:25: extends[1]: expected the path of a file, or an array of paths (got 2)",
                'base.toml:1:12: extends[0]: expected a file (got "no.toml": No such file or directory)',
                "base.toml:1:23: extends[1]: expected the path of a file, or an array of paths (got 1)",
            ],
            id="numbers",
        ),
        pytest.param(
            {"mounts": 'extends = ["a.toml", "b.toml"]', "a": "x = [", "b": "y = \n"},
            [
                "b.toml:1:5: expected a value (got the end of the line)",
                "a.toml:1:6: expected a value (got the end of the file)",
            ],
            id="no TOML",
        ),
    ],
)  # fmt: skip
def test_files_that_cannot_be_extended(
    tmp_path: Path, files: dict[str, str], expected: list[str]
) -> None:
    """The line that asks for them says why."""
    assert problems(write(tmp_path, **files)) == expected


def test_what_is_not_a_regular_file(tmp_path: Path) -> None:
    """Nobody waits for the other end of a FIFO, nor for the end of a device, to be told so."""
    os.mkfifo(tmp_path / "fifo.toml")
    (tmp_path / "folder.toml").mkdir()
    path = write(tmp_path, mounts='extends = ["fifo.toml", "folder.toml",\n"/dev/zero"]')
    refused = "Not a regular file"
    assert problems(path) == [
        f'mounts.toml:1:12: extends[0]: expected a file (got "fifo.toml": {refused})',
        'mounts.toml:1:25: extends[1]: expected a file (got "folder.toml": Is a directory)',
        f'mounts.toml:2:1: extends[2]: expected a file (got "/dev/zero": {refused})',
    ]
    with pytest.raises(OSError, match=refused):
        load_config("/dev/zero")


def test_a_pipe_that_somebody_names() -> None:
    """As a shell makes it of ``<(git show HEAD:mounts.toml)``."""
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as stream:
        stream.write("[defaults]\npool_maxsize = 3")
    assert load_config(f"/dev/fd/{ours}").mounts[0].policy.pool_maxsize == 3
    os.close(ours)


def test_more_than_sixteen_files_deep(tmp_path: Path) -> None:
    """The one that asks for the seventeenth is told."""
    files = {f"f{n}": f'extends = "f{n + 1}.toml"' for n in range(17)}
    assert problems(write(tmp_path, **files)) == [
        "f15.toml:1:11: extends: expected files that extend others at most 16 deep"
    ]


def test_a_circle_of_links(tmp_path: Path) -> None:
    """A file is itself under any name."""
    path = write(tmp_path, mounts='extends = "link.toml"')
    (tmp_path / "link.toml").symlink_to(path)
    (problem,) = problems(path)
    assert "a file that extends itself" in problem


def test_the_dots_after_a_link(tmp_path: Path) -> None:
    """They lead where the system says, not where the text seems to."""
    (tmp_path / "real/sub").mkdir(parents=True)
    write(tmp_path / "real", base="[defaults]\npool_maxsize = 3")
    (tmp_path / "link").symlink_to(tmp_path / "real/sub")
    path = write(tmp_path, mounts='extends = "link/../base.toml"')
    assert policy_of(load_config(path), "https://").pool_maxsize == 3


def test_a_text_extends_files(tmp_path: Path) -> None:
    """Relative to the folder of its name; the text itself is no file."""
    write(tmp_path, base="[defaults]\npool_maxsize = 3")
    config = parse_config('extends = "base.toml"', source=str(tmp_path / "mounts.toml"))
    assert policy_of(config, "http://").pool_maxsize == 3
    assert config.files == (str(tmp_path / "base.toml"),)


def test_a_pyproject_extends_a_file(tmp_path: Path) -> None:
    """And may be extended."""
    write(
        tmp_path,
        pyproject='[tool.requests-mounts]\nextends = "base.toml"\ndefaults.deadline = 1',
        base="defaults.pool_maxsize = 3",
        over='extends = "pyproject.toml"',
    )
    policy = policy_of(load_config(tmp_path / "over.toml"), "https://")
    assert (policy.pool_maxsize, policy.deadline) == (3, 1)


def test_a_relative_name_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paths of the files stay good after the program changes its folder."""
    write(tmp_path, mounts='extends = "base.toml"', base="")
    monkeypatch.chdir(tmp_path)
    config = load_config("mounts.toml")
    monkeypatch.chdir("/")
    assert config.name == "mounts.toml"
    assert [Path(name).exists() for name in config.files] == [True, True]


def test_warnings_of_a_policy_are_those_of_its_strongest_layer(tmp_path: Path) -> None:
    """What layers ignore adds up over files too."""
    path = write(
        tmp_path,
        mounts='extends = "base.toml"\n[mounts."https://h/"]\nignore = ["no-verify"]',
        base='[mounts."https://h/"]\nignore = ["no-timeout"]',
    )
    policy = policy_of(load_config(path), "https://h/")
    assert isinstance(policy, MountPolicy)
    assert policy.ignore == ("no-timeout", "no-verify")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mounts = 3", "mounts: expected a table (got 3)"),
        ("defaults = 3", "defaults: expected a table (got 3)"),
        ("policies = 3", "policies: expected a table (got 3)"),
    ],
)
def test_what_is_not_a_table_is_laid_over_one(tmp_path: Path, text: str, expected: str) -> None:
    """It is a problem of the file that says so, wherever the other file is."""
    (tmp_path / "base").mkdir()
    write(
        tmp_path / "base",
        base='[defaults]\ntls.verify = "a.pem"\n[policies.p]\n[mounts."https://h/"]',
    )
    path = write(tmp_path, mounts=f'extends = "base/base.toml"\n{text}')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    first = caught.value.diagnostics[0]
    assert (first.path, first.line) == (str(path), 2)
    assert f"{first.key}: {first.message}".startswith(expected)


def test_an_element_of_an_array_that_adds_up() -> None:
    """A wrong one is a problem of the strongest layer, though it has another number there."""
    with pytest.raises(ConfigError) as caught:
        parse_config(
            '[policies.p]\nignore = ["no-timeout"]\n'
            '[mounts."https://h/"]\npolicy = "p"\nignore = ["NO"]'
        )
    (found,) = caught.value.diagnostics
    assert (found.line, found.message[:27]) == (5, "expected the code of a warn")


def test_a_denial_names_the_line_that_denies(tmp_path: Path) -> None:
    """Be it of the mount, of what it inherits, or of a base in which the mount stands too."""
    path = write(
        tmp_path,
        mounts="extends = 'base.toml'\n[defaults]\ndeny = true\n[mounts.'https://j/']\ntimeout = 1",
        base="\n\n[mounts.'https://h/']\n[mounts.'https://j/']\ndeny = true\n",
    )
    session = load_session(path)
    places = {
        "https://h/": "mounts.toml:3",
        "https://i/": "mounts.toml:3",
        "https://j/": "base.toml:5",
    }
    for url, place in places.items():
        with pytest.raises(DeniedURL) as caught:
            session.get(url)
        assert caught.value.place == str(tmp_path / place)


_BASE_OF_LIMITS = """
[defaults]
breaker = { window = 60 }
[limits.l]
burst = 5
[policies.p]
limit = "above"
[mounts."https://h/"]
policy = "above"
max_retries = { status_forcelist = [503] }
retry_budget = { refund = 0.5 }
auth = { username = "u" }
timeout = "${SECONDS}"
proxy = "${PROXY}"
[[expect]]
url = 3
"""


@pytest.mark.parametrize(
    ("base", "above", "expected"),
    [
        pytest.param(
            "mounts = 3",
            '[mounts."https://h/"]\ntimeout = 3',
            ["base.toml:1:10: mounts: expected a table (got 3)"],
            id="mounts",
        ),
        pytest.param(
            '[mounts]\n"https://H" = 3',
            '[mounts."https://h/"]\ntimeout = 3',
            ['base.toml:2:15: mounts."https://H": expected a table (got 3)'],
            id="mount",
        ),
        pytest.param(
            '[mounts."https://H"]\ntimeout = "abc"',
            '[mounts."https://h/"]\ntimeout.read = 3',
            ['base.toml:2:11: mounts."https://H".timeout: expected seconds above 0, inf for no limit, or a table with connect and read (got "abc")'],
            id="key",
        ),
        pytest.param(
            '[mounts."https://H"]\ntimeout = -1',
            '[mounts."https://h/"]\ntimeout.read = 3',
            ['base.toml:2:11: mounts."https://H".timeout: expected seconds, a number above 0, or inf for no limit (got -1); write inf for no limit'],
            id="merged, once",
        ),
        pytest.param(
            'unmatched = "foo"\nignore = 3',
            'unmatched = "deny"\nignore = ["no-timeout"]',
            [
                'base.toml:1:13: unmatched: expected "allow" or "deny" (got "foo")',
                "base.toml:2:10: ignore: expected an array (got 3); write [3]",
            ],
            id="top",
        ),
        pytest.param(
            '[defaults]\npool_maxsize = "x"\n[policies.p]\npool_maxsize = "y"\nx = 1\n[limits.l]\nrate = "z"',
            "[defaults]\npool_maxsize = 1\n[policies.p]\npool_maxsize = 2\n[limits.l]\nrate = 3",
            [
                'base.toml:2:16: defaults.pool_maxsize: expected an integer from 1 to 65535 (got "x")',
                'base.toml:4:16: policies.p.pool_maxsize: expected an integer from 1 to 65535 (got "y")',
                "base.toml:5:1: policies.p.x: unknown key",
                'base.toml:7:8: limits.l.rate: expected a number above 0, or inf for no limit (got "z")',
            ],
            id="tables of names",
        ),
        pytest.param(
            '[defaults]\npool_maxsize = "${SIZE}"\npool_block = "${"',
            "[defaults]\npool_maxsize = 1\npool_block = true",
            [
                'base.toml:2:16: defaults.pool_maxsize: expected an integer from 1 to 65535 (got "${SIZE}", where the variable SIZE holds something else)',
                "base.toml:3:14: defaults.pool_block: expected the name of an environment variable in ${…}, or $$ for a dollar",
            ],
            id="variables",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("offline", [False, True])
def test_a_broken_value_is_reported_also_where_another_file_overrides_it(
    tmp_path: Path, base: str, above: str, expected: list[str], *, offline: bool
) -> None:
    """Once, in the file that writes it, as it is where a mount overrides one of its own file."""
    path = write(tmp_path, mounts=f'extends = "base.toml"\n{above}', base=base)
    assert problems(path, environ={"SIZE": "many"}, offline=offline) == expected


def test_a_file_below_need_not_be_complete(tmp_path: Path) -> None:
    """Variables, keys and names that it lacks may come from above."""
    above = """
        extends = "base.toml"
        [defaults]
        breaker = { ratio = 0.5 }
        [limits]
        l.rate = 1
        above.rate = 1
        [policies.above]
        [mounts."https://h/"]
        max_retries.total = 3
        retry_budget.tokens = 10
        auth = false
        timeout = 3
        proxy = "direct"
    """
    config = load_config(write(tmp_path, mounts=above, base=_BASE_OF_LIMITS), environ={})
    policy = policy_of(config, "https://h/")
    assert policy.breaker
    assert (policy.breaker.window, policy.breaker.ratio, policy.timeout) == (60, 0.5, 3)
