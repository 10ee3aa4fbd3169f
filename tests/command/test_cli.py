"""The command line, as a person sees it at 80 columns without colour."""

import contextlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from requests_mounts import (
    ConfigError,
    __main__,
    json_schema,
    load_config,
    load_session,
    parse_config,
)
from requests_mounts._command.check import check
from requests_mounts._command.cli import app, main
from requests_mounts._command.worst_case import show_seconds, worst_case
from requests_mounts._file.codes import ERRORS
from requests_mounts._file.limits import LimitOptions
from requests_mounts._file.options import RetryOptions, Timeout
from requests_mounts._file.policy import Policy
from requests_mounts._file.types import Code

DATA = Path(__file__).parents[1] / "data/cli"
ROOT = Path(__file__).parents[2]
CASES = {
    "help": "--help",
    "check-offline": "check --offline offline.toml",
    "check-online": "check offline.toml",
    "check-quiet": "check -q defaults.toml",
    "check-unreadable": "check missing.toml defaults.toml .",
    "check-fine": "check fine/pyproject.toml",
    "check-warnings": "check warnings.toml",
    "check-ignoring": "check ignoring.toml",
    "check-defaults": "check defaults.toml",
    "check-expect": "check expect.toml",
    "check-broken": "check broken.toml",
    "check-strict": "check --strict defaults.toml",
    "check-several": "check fine/pyproject.toml project/pyproject.toml other/pyproject.toml",
    "check-json": "check --format json broken.toml ignoring.toml defaults.toml",
    "check-github": "check --format github broken.toml defaults.toml",
    "explain": "explain expect.toml https://api.example.com/reports/2026 http://a.org mock://x",
    "explain-secret": "explain old.toml https://api.example.com/",
    "explain-json": "explain --format json old.toml https://api.example.com/ mock://x",
    "explain-broken": "explain broken.toml https://a.org/",
    "explain-unparseable": "explain expect.toml https://a\\b/",
    "explain-denied": "explain denied.toml https://closed.example.com/a https://else.org/ https://api.example.com/",
    "explain-all": "explain --all denied.toml https://api.example.com/",
    "explain-no-scheme": "explain expect.toml api.example.com/v1 https://a.org //b.org",
    "show": "show expect.toml",
    "show-origin": "show --origin denied.toml",
    "show-json": "show --format json old.toml",
    "diff-json": "diff --format json old.toml new.toml --url https://a.org/ --url mock://x",
    "diff-broken": "diff project/pyproject.toml other/pyproject.toml",
    "diff": "diff old.toml new.toml --url https://api.example.com/reports/2026/x --url https://a.org/ --url mock://x",
    "advise": "advise stats.json expect.toml",
    "advise-json": "advise --format json stats.json expect.toml",
    "advise-nothing": "advise nothing.json expect.toml",
    "advise-missing": "advise missing.json expect.toml",
    "advise-no-stats": "advise expect.toml expect.toml",
    "diff-same": "diff old.toml old.toml",
    "advise-swapped": "advise expect.toml stats.json",
    "diff-url-changed": "diff old.toml new.toml --url https://api.example.com/ --url https://gone.example.com/",
    "diff-url-same": "diff old.toml old.toml --url https://a.org/",
}


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("PROXY_PASS", "hunter2")
    monkeypatch.setenv("TOKEN", "hunter2")
    monkeypatch.setenv("USER", "me")


def run(arguments: str) -> str:
    """Write down a run: the command, what it prints where, and its exit code."""
    result = CliRunner().invoke(app, arguments.split(), prog_name="requests-mounts")
    text = f"$ requests-mounts {arguments}\n{result.stdout}"
    if result.stderr:
        text += f"--- stderr\n{result.stderr}"
    text = "\n".join(line.rstrip() for line in text.splitlines())
    return f"{text}\n--- exit {result.exit_code}\n"


@pytest.mark.parametrize("name", CASES)
def test_output(name: str) -> None:
    """Each command prints what its golden text says."""
    assert run(CASES[name]) == (DATA / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("check", "Missing argument 'FILE'"),
        ("check --format xml fine/pyproject.toml", "'xml' is not one of 'text', 'json', 'github'"),
        ("explain expect.toml", "Missing argument 'URL'"),
        ("nonsense", "No such command 'nonsense'"),
    ],
)
def test_usage(arguments: str, complaint: str) -> None:
    """What the command line cannot mean is told on stderr, with exit code 2."""
    result = CliRunner().invoke(app, arguments.split())
    assert (result.stdout, result.exit_code) == ("", 2)
    assert complaint in result.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.toml", "No such file or directory"),
        (".", "Is a directory"),
        ("/dev/zero", "Not a regular file"),
        ("defaults.toml/x", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
@pytest.mark.parametrize(
    "command",
    ["check {}", "explain {} https://a.org/", "show {}", "diff {} old.toml", "diff old.toml {}"],
)
def test_a_file_that_cannot_be_read(command: str, name: str, reason: str) -> None:
    """The message names it and the reason, on standard error, and the exit code is 2."""
    result = CliRunner().invoke(app, command.format(name).split())
    complaint, *rest = result.stderr.splitlines()
    assert (result.stdout, complaint, result.exit_code) == ("", f"{name}: {reason}", 2)
    assert rest == (["1 file could not be read"] if "check" in command else [])


def test_a_read_error() -> None:
    """A file that opens and cannot be read is told like one that is missing."""
    name = "/proc/self/mem"
    if not Path(name).exists():
        pytest.skip("a file that fails when it is read is known on Linux alone")
    assert run(f"check -q {name}").endswith(
        "--- stderr\n/proc/self/mem: Input/output error\n--- exit 2\n"
    )


@pytest.mark.parametrize("command", ["check -q -", "show -", "explain - https://a/", "diff - -"])
def test_standard_input(command: str) -> None:
    """A dash is standard input; its problems name it, and a byte order mark is passed over."""
    content = b"\xef\xbb\xbf[defaults]\npool_maxsise = 1"
    result = CliRunner().invoke(app, command.split(), input=content)
    told = result.stdout if "check" in command else result.stderr
    assert told.startswith(
        "<stdin>:2:1: defaults.pool_maxsise: unknown key, did you mean pool_maxsize?\n"
    )
    assert result.exit_code == (2 if "diff" in command else 1)


def test_stats_in_standard_input() -> None:
    """They are read as those of a file are."""
    stats = (DATA / "stats.json").read_bytes()
    files = [str(DATA / name) for name in ("stats.json", "expect.toml")]
    expected = CliRunner().invoke(app, ["advise", *files])
    result = CliRunner().invoke(app, ["advise", "-", files[1]], input=stats)
    assert (result.output, result.exit_code) == (expected.output, 1)


def test_paths_in_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are relative to the current folder."""
    shutil.copy(ROOT / "examples/internal-ca.pem", tmp_path / "ca.pem")
    monkeypatch.chdir(tmp_path)
    text = 'ignore = ["no-timeout"]\n[defaults.tls]\nverify = "ca.pem"'
    result = CliRunner().invoke(app, ["check", "-"], input=text)
    assert (result.stdout, result.exit_code) == ("", 0)


def test_standard_input_in_another_encoding() -> None:
    """It is a problem as that of a file is."""
    result = CliRunner().invoke(app, ["check", "-q", "-"], input=b"x = '\xff'")
    assert result.stdout.startswith("<stdin>:1:6: expected UTF-8 text (got the byte 0xff); save ")
    assert (result.stderr, result.exit_code) == ("", 1)


def test_standard_input_that_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told, not a traceback; Python then has no such file at all."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SystemExit) as ended:
        app(["check", "-q", "-"])
    assert (capsys.readouterr().err, ended.value.code) == ("<stdin>: it is closed\n", 2)


@pytest.mark.parametrize("command", ["", "check", "explain", "show", "diff", "schema", "init"])
def test_help(command: str) -> None:
    """Two options ask for it, it fits 80 columns, and no sentence is cut."""
    long, short = (
        CliRunner().invoke(app, [*command.split(), option]) for option in ("--help", "-h")
    )
    assert long.stdout == short.stdout
    assert max(map(len, long.stdout.splitlines())) <= 80
    assert not re.search(r"[a-z]\.\.\.", long.stdout)


def test_every_code_is_listed() -> None:
    """Those of errors and of warnings, in the help of check."""
    told = CliRunner().invoke(app, ["check", "--help"]).stdout
    for code in (*ERRORS, *get_args(get_args(Code)[0])):
        assert code in told


def test_version() -> None:
    """The version of the installed distribution."""
    result = CliRunner().invoke(app, ["--version"])
    assert (result.stdout, result.exit_code) == (
        f"requests-mounts {version('requests-mounts')}\n",
        0,
    )


def on_a_terminal(*arguments: str, columns: int) -> list[str]:
    """Run the program where its output is a terminal of some width; return the lines."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "requests_mounts", *arguments],
        stdout=slave,
        env={**os.environ, "COLUMNS": str(columns), "TERM": "xterm"},
    ):
        os.close(slave)
        content = b""
        with contextlib.suppress(OSError):  # Linux says so at the end.
            while more := os.read(master, 4096):
                content += more
    os.close(master)
    return content.decode().replace("\r", "").splitlines()


def test_show_fits_a_terminal() -> None:
    """A long line is folded below its beginning, and nothing of it is lost."""
    lines = on_a_terminal("show", "--origin", "denied.toml", columns=60)
    assert max(map(len, lines)) <= 60
    (cipher,) = (one for one in lines if "tls.ciphers" in one)
    at = lines.index(cipher)
    assert cipher.startswith("    tls.ciphers")
    assert all(one.startswith("    ") for one in lines[at : at + 2])
    words = "".join(lines).replace(" ", "")
    assert "AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256" in words


def test_show_leaves_out_what_a_table_does_not_set(tmp_path: Path) -> None:
    """A key of a limit, a breaker or a budget that has its built-in value, too."""
    path = tmp_path / "mounts.toml"
    path.write_text(
        "[mounts.'https://h/']\nlimit = { rate = 2, per = 60 }\n"
        "breaker = { failures = 3, open_for = 30 }\nretry_budget = { tokens = 1 }\n"
    )
    result = CliRunner().invoke(app, ["show", "--origin", str(path)])
    rows = [line.split(f"  {path}") for line in result.stdout.splitlines()[1:6]]
    assert [(setting.strip(), place) for setting, place in rows[:4]] == [
        ("limit.rate = 2", ":2  mount"),
        ("limit.per = 60", ":2  mount"),
        ("breaker.failures = 3", ":3  mount"),
        ("retry_budget.tokens = 1", ":4  mount"),
    ]
    assert rows[4][0].startswith("https://  ")


def test_show_does_not_wrap_in_a_pipe() -> None:
    """A line is a setting there, however wide the terminal is said to be."""
    result = CliRunner().invoke(app, ["show", "denied.toml"], env={"COLUMNS": "20"})
    assert "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256" in result.stdout
    assert len(result.stdout.splitlines()) == (DATA / "show-origin.txt").read_text().count("\n") - 2


@pytest.mark.parametrize("command", ["explain {} https://a/", "show {}", "diff {} old.toml"])
def test_json_of_a_broken_file(command: str) -> None:
    """A list of its diagnostics, on standard output."""
    arguments = command.format("broken.toml").split()
    result = CliRunner().invoke(app, [*arguments, "--format", "json"])
    expected = CliRunner().invoke(app, ["check", "--format", "json", "broken.toml"])
    assert (result.stdout, result.stderr) == (expected.stdout, "")
    assert result.exit_code == (2 if "diff" in command else 1)


def test_each_warning_is_tried(tmp_path: Path) -> None:
    """There is a mount for each code, and the code silences it."""
    codes = [found.code for found in check(load_config("warnings.toml"))]
    assert set(codes) == set(get_args(get_args(Code)[0]))
    for code in set(codes):
        silenced = tmp_path / "silenced.toml"
        silenced.write_text(
            f'ignore = ["{code}"]\n' + (DATA / "warnings.toml").read_text("utf-8"), "utf-8"
        )
        left = [found.code for found in check(load_config(silenced))]
        assert left == [other for other in codes if other != code]


@pytest.mark.parametrize(
    ("policy", "seconds", "connections"),
    [
        (Policy(), float("inf"), 1),
        (Policy(timeout=5), 10, 1),
        (Policy(timeout=Timeout(connect=1, read=4), max_retries=2), 15, 3),
        (Policy(timeout=Timeout(read=4)), float("inf"), 1),
        (Policy(timeout=5, deadline=8), 8, 1),
        (Policy(timeout=5, deadline=60, max_retries=1), 60, 2),
        (Policy(timeout=5, deadline=60), 10, 1),
        (Policy(timeout=5, pool_block=True), 15, 1),
        (Policy(timeout=5, pool_block=True, pool_timeout=1, max_retries=1), 22, 2),
        (Policy(timeout=5, pool_block=True, pool_timeout=float("inf")), float("inf"), 1),
        (Policy(timeout=5, pool_timeout=1), 10, 1),
        (Policy(timeout=1, max_retries=RetryOptions(total=2, retry_after_max=30)), 6 + 60, 3),
        (
            Policy(timeout=1, deadline=50, max_retries=RetryOptions(total=2, retry_after_max=30)),
            50,
            3,
        ),
        (
            Policy(timeout=1, max_retries=RetryOptions(total=2, retry_after_max=30, status=1)),
            6 + 30,
            3,
        ),
        (
            Policy(timeout=1, max_retries=RetryOptions(total=2, retry_after_max=30, status=False)),
            6,
            3,
        ),
        (
            Policy(
                timeout=1, max_retries=RetryOptions(total=4, retry_after_max=3, backoff_factor=1)
            ),
            10 + 3 + 3 + 4 + 8,
            5,
        ),
        (
            Policy(
                timeout=1,
                max_retries=RetryOptions(
                    total=4, retry_after_max=float("inf"), backoff_factor=8, backoff_max=4, status=0
                ),
            ),
            10 + 3 * 4,
            5,
        ),
        (
            Policy(timeout=1, max_retries=RetryOptions(total=2, retry_after_max=float("inf"))),
            float("inf"),
            3,
        ),
        (Policy(timeout=5, max_retries=1, limit=LimitOptions(rate=1)), 2 * (30 + 10), 2),
        (Policy(timeout=5, limit=LimitOptions(rate=float("inf"))), 30 + 10, 1),
        (Policy(timeout=5, limit=LimitOptions(rate=float("inf"), max_pause=0)), 10, 1),
        (Policy(timeout=1, max_retries=RetryOptions(total=False)), 2, 1),
        (Policy(timeout=1, max_retries=RetryOptions(total=4, backoff_factor=1)), 10 + 2 + 4 + 8, 5),
        (
            Policy(
                timeout=1, max_retries=RetryOptions(total=4, backoff_factor=1, backoff_jitter=1)
            ),
            10 + 3 + 5 + 9,
            5,
        ),
        (Policy(timeout=1, max_retries=2**53 - 1), 2 * (10**9 + 1), 10**9 + 1),
        (
            Policy(timeout=1, max_retries=RetryOptions(total=2**53 - 1, backoff_jitter=1)),
            2 * (10**9 + 1) + 10**9 - 1,
            10**9 + 1,
        ),
        (
            Policy(
                timeout=1,
                max_retries=RetryOptions(total=2000, backoff_factor=1, backoff_max=float("inf")),
            ),
            float("inf"),
            2001,
        ),
        (
            Policy(timeout=1, max_retries=RetryOptions(total=9999, backoff_factor=1)),
            20_000 + 2 + 4 + 8 + 16 + 32 + 64 + 9992 * 120,
            10_000,
        ),
    ],
)
def test_worst_case(policy: Policy, seconds: float, connections: int) -> None:
    """Attempts, their timeouts and waits, and what urllib3 waits between them, or the deadline."""
    found = worst_case(policy)
    assert (found.seconds, found.connections) == (seconds, connections)


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [
        ('connect_to = ["10.0.0.7", "[::7]:443", "unix:/run/x"]', 2 * (3 * 3 + 5)),
        ('connect_to = ["10.0.0.7", "::7"]\naddress_family = "ipv6"', 2 * (3 + 5)),
        ('connect_to = ["10.0.0.7"]', 2 * (3 + 5)),
        ('connect_to = ["${A}", "10.0.0.7"]', 2 * (2 * 3 + 5)),
        ('address_family = "ipv6"', 2 * (3 + 5)),
    ],
)
def test_each_address_to_connect_to_takes_the_timeout(keys: str, seconds: float) -> None:
    """The next is dialled after the one before has not answered, in each attempt."""
    text = "[mounts.'https://h/']\nmax_retries = 1\ntimeout = { connect = 3, read = 5 }"
    config = parse_config(f"{text}\n{keys}", offline=True)
    assert worst_case(config.mounts[0].policy).seconds == seconds


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy(timeout=5), "until an answer begins: 10 s, 1 connection"),
        (Policy(), "until an answer begins: no limit, 1 connection"),
        (Policy(deadline=8), "by its deadline: 8 s, 1 connection"),
        (
            Policy(timeout=5, max_retries=2),
            "until an answer begins: 30 s, and 6 h 0 min for each Retry-After, 3 connections",
        ),
        (Policy(max_retries=2), "until an answer begins: no limit, 3 connections"),
    ],
)
def test_the_words_for_the_worst_case(policy: Policy, words: str) -> None:
    """They say what the number covers, and what may add to it."""
    assert str(worst_case(policy)) == f"at worst, for one request, {words}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "0.5 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (21600, "6 h 0 min"),
        (float("inf"), "no limit"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """As people say them."""
    assert show_seconds(seconds) == text


def test_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the terminal has it."""
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    for arguments in (
        ["explain", "expect.toml", "https://api.example.com/"],
        ["check", "broken.toml", "warnings.toml"],
    ):
        result = CliRunner().invoke(app, arguments)
        assert "\x1b[" in result.stdout
        monkeypatch.delenv("FORCE_COLOR")
        plain = CliRunner().invoke(app, arguments).stdout
        assert re.sub("\x1b\\[[0-9;]*m", "", result.stdout) == plain
        monkeypatch.setenv("FORCE_COLOR", "1")


def test_a_terminal_has_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a variable that asks for them."""
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[" in "".join(on_a_terminal("check", "broken.toml", columns=80))


def test_json_is_for_programs() -> None:
    """No secret is in it, and it can be read."""
    for name in ("check-json", "explain-json", "show-json"):
        body = (DATA / f"{name}.txt").read_text("utf-8").partition("\n")[2].partition("--- ")[0]
        assert isinstance(json.loads(body), list)
        assert "hunter" not in body


# --- init ---------------------------------------------------------------------------------------


def test_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is written once, is valid, and does what its comments say."""
    monkeypatch.chdir(tmp_path)
    assert run("init") == (
        "$ requests-mounts init\nwrote mounts.toml\nwrote mounts.schema.json\n--- exit 0\n"
    )
    assert json.loads(Path("mounts.schema.json").read_text("utf-8")) == json_schema()
    assert run("init") == (
        "$ requests-mounts init\n--- stderr\nmounts.toml is there already; --force replaces it\n--- exit 1\n"
    )
    Path("mounts.toml").write_text("mine")
    assert run("init").endswith("exit 1\n")
    assert Path("mounts.toml").read_text() == "mine"
    Path("mounts.schema.json").write_text("mine")
    Path("mounts.toml").unlink()
    assert run("init -q") == "$ requests-mounts init -q\n--- exit 0\n"
    assert Path("mounts.schema.json").read_text() == "mine"
    assert run("init --force").endswith("exit 0\n")
    assert run("schema -o again.json") == (
        "$ requests-mounts schema -o again.json\nwrote again.json\n--- exit 0\n"
    )
    assert Path("again.json").read_text() == Path("mounts.schema.json").read_text()
    assert (
        run("schema") == f"$ requests-mounts schema\n{Path('again.json').read_text()}--- exit 0\n"
    )
    assert "--- stderr\nno/where.toml: No such file or directory\n" in run("init no/where.toml")
    assert run("check --strict mounts.toml").endswith(
        "1 file, 0 problems, 0 warnings\n--- exit 0\n"
    )
    session = load_session("mounts.toml")
    found = session.explain("https://api.example.com/reports/2026")
    values = {setting.key: setting.value for setting in found.settings}
    assert (values["timeout.connect"], values["timeout.read"], values["deadline"]) == (
        3.05,
        90,
        120,
    )
    found = session.explain("https://api.example.com/users")
    values = {setting.key: setting.value for setting in found.settings}
    assert (values["pool_maxsize"], values["pool_timeout"], values["max_retries"]) == (50, 2, 2)
    assert session.explain("http://api.example.com/").prefix == "http://api.example.com/"


# --- the program --------------------------------------------------------------------------------


@pytest.fixture
def program() -> list[str]:
    return [sys.executable, "-m", "requests_mounts"]


def test_the_program(program: list[str]) -> None:
    """It is installed, and runs as a module."""
    script = Path(sys.executable).with_name("requests-mounts")
    for command in (program, [str(script)]):
        done = subprocess.run(
            [*command, "check", "fine/pyproject.toml"], capture_output=True, text=True, check=False
        )
        assert (done.stderr, done.returncode) == ("1 file, 0 problems, 1 warning\n", 0)


@pytest.mark.parametrize("module", ["requests", "rich"])
def test_it_needs_no_requests(program: list[str], tmp_path: Path, module: str) -> None:
    """A file is checked without what takes long to import, be it installed or not."""
    (tmp_path / f"{module}.py").write_text("raise ImportError")
    done = subprocess.run(
        [*program, "check", "fine/pyproject.toml"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert (done.stderr, done.returncode) == ("1 file, 0 problems, 1 warning\n", 0)


def test_a_closed_pipe_is_no_traceback(program: list[str]) -> None:
    """As in: requests-mounts schema | head -1."""
    for arguments in (["schema"], ["show", "expect.toml"]):
        with subprocess.Popen(
            [*program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            assert process.stderr.read() == b""


def test_no_output_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under pythonw, or with a closed descriptor."""
    monkeypatch.setattr("requests_mounts._command.cli.app", lambda **_: None)
    monkeypatch.setattr(sys, "stdout", None)
    main()


@pytest.mark.skipif(os.name == "nt", reason="a shell closes the stream")
def test_a_closed_output_is_no_traceback(program: list[str]) -> None:
    """The exit code tells as much as ever."""
    command = " ".join([*program, "check broken.toml >&-"])
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("1 file, 6 problems, 0 warnings\n", 1)


def test_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The entry point, and what it says where its extra is missing."""
    monkeypatch.setattr(sys, "argv", ["requests-mounts", "schema"])
    with pytest.raises(SystemExit) as caught:
        __main__.main()
    assert caught.value.code == 0
    assert json.loads(capsys.readouterr().out) == json_schema()
    monkeypatch.setattr(__main__, "find_spec", lambda _: None)
    with pytest.raises(
        SystemExit, match=r'^the command line needs more: pip install "requests-mounts\[cli\]"$'
    ):
        __main__.main()


def test_a_broken_pipe_at_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is left in the buffer goes nowhere."""
    monkeypatch.setattr("requests_mounts._command.cli.app", lambda **_: None)
    with (tmp_path / "out").open("w") as stream:

        class Pipe:
            def flush(self) -> None:
                raise BrokenPipeError

            def fileno(self) -> int:
                return stream.fileno()

        monkeypatch.setattr(sys, "stdout", Pipe())
        main()
        os.write(stream.fileno(), b"lost")
    assert (tmp_path / "out").read_text() == ""


# --- pyproject.toml, pre-commit -----------------------------------------------------------------


def test_the_loader_takes_a_pyproject() -> None:
    """The lines are those of that file."""
    assert load_config("fine/pyproject.toml").mounts[0].policy.pool_maxsize == 5
    assert load_session("fine/pyproject.toml").explain("https://a.example.com/").line == 4
    with pytest.raises(ConfigError, match=r"^project/pyproject.toml:11:1: mounts."):
        load_config("project/pyproject.toml")
    with pytest.raises(ConfigError, match=r"expected a table \[tool.requests-mounts\]"):
        load_config("other/pyproject.toml")


@pytest.mark.skipif(not shutil.which("git"), reason="pre-commit needs git")
def test_the_hook_of_pre_commit(tmp_path: Path) -> None:
    """It refuses a commit with a broken file."""
    pre_commit = Path(sys.executable).with_name("pre-commit")
    if not pre_commit.exists():
        pytest.skip("pre-commit is not installed")
    repository = tmp_path / "repository"
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in filter(lambda name: (ROOT / name).exists(), tracked):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, repository / name)
    user = tmp_path / "user"
    user.mkdir()
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for folder in (repository, user):
        if folder is user:
            (user / "mounts.toml").write_text("[defaults]\npool_maxsise = 1\n")
            (user / "other.toml").write_text("[defaults]\npool_maxsise = 1\n")
        for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "all"]):
            subprocess.run(["git", *command], cwd=folder, check=True)
    done = subprocess.run(
        [pre_commit, "try-repo", repository, "requests-mounts-check", "--all-files"],
        cwd=user, capture_output=True, text=True, check=False,
        env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    if "CalledProcessError" in done.stdout + done.stderr:
        pytest.skip("the environment of the hook cannot be built here")
    assert done.returncode == 1, done.stdout + done.stderr
    assert (
        "mounts.toml:2:1: defaults.pool_maxsise: unknown key, did you mean pool_maxsize?"
        in done.stdout
    )
    assert "other.toml" not in done.stdout
