"""The command line as a whole: every command says what it does, every error is one line."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import typer

from ledger import cli, commands
from ledger.core.types import parse_party
from ledger.errors import ConfigError
from tests.unit.cli.reference import DOCS, all_commands, render

COMMANDS = dict(all_commands(typer.main.get_command(cli.build())))


def run(*arguments: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    code = stopped.value.code
    return code if isinstance(code, int) else 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, name
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


def test_the_docs_describe_every_command_and_option_as_its_help_does() -> None:
    assert DOCS.read_text(encoding="utf-8") == render(), "run: python -m tests.unit.cli.reference"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_shown_and_is_no_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*name.split()[1:], "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_party_ids_are_made_as_many_as_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("party", "new", "--count", "3") == 0
    made = capsys.readouterr().out.split()
    assert len(set(made)) == 3
    assert [parse_party(party) for party in made] == made


def test_the_shell_can_complete_commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_GONGFEN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "gongfen ver")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run() == 0
    assert "verify" in capsys.readouterr().out.split()


def test_asking_for_help_loads_nothing_heavy() -> None:
    code = "import sys; from ledger.cli import build; build(); print([n for n in HEAVY if n in sys.modules])"
    heavy = ("sqlalchemy", "fastapi", "uvicorn", "web3", "nacl", "cryptography")
    done = subprocess.run(
        [sys.executable, "-c", code.replace("HEAVY", repr(heavy))], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# Errors ---------------------------------------------------------------------------------------------------------------

MISUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "a key file that is not there": (("key", "show", "none.key"), "cannot be read"),
    "a root key that is not there": (("ledger", "create", "a.example/b", "--root-key", "none.key"), "cannot be read"),
    "a trust file that is not there": (("verify", "-", "--trust", "none.toml"), "cannot be read"),
    "a server that is not there": (("receipt", "0", "--ledger", "x", "--url", "http://127.0.0.1:1"), "no answer"),
    "a scope that is not there": (("token", "create", "--scope", "all", "--data-dir", "."), "no such scope"),
    "a token that is not there": (("token", "revoke", "ab", "--data-dir", "."), "no such token"),
    "no ledger to audit": (("audit", "--data-dir", "."), "there is no ledger here"),
    "a foreign host without a token": (("serve", "--host", "0.0.0.0", "--data-dir", "."), "gongfen token create"),
}


@pytest.mark.parametrize("name", MISUSED)
def test_an_error_is_one_line_that_helps(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = MISUSED[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", (tmp_path / "in").open("w+"))
    assert run(*arguments) == cli.FAILED
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert shown.err.startswith("gongfen: ")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("bogus",), ("ledger", "create"), ("serve", "--port", "x"), ("key", "--x")])
def test_misuse_has_its_exit_code(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == cli.FAILED
    assert "Usage" in capsys.readouterr().err


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GONGFEN_PORT", "many")
    assert run("serve") == cli.FAILED
    assert "GONGFEN_PORT" in capsys.readouterr().err


def _broken(error: Exception) -> Any:
    def build() -> Any:
        raise error

    return build


def test_a_fault_of_ours_is_one_line_too_and_a_traceback_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "build", _broken(ValueError("odd")))
    monkeypatch.delenv("GONGFEN_DEBUG", raising=False)
    assert run() == cli.FAILED
    shown = capsys.readouterr().err
    assert "GONGFEN_DEBUG" in shown
    assert "Traceback" not in shown
    monkeypatch.setenv("GONGFEN_DEBUG", "1")
    assert run() == cli.FAILED
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigError("wrong", field="x", expected="a", got="b"), "gongfen: x: wrong; expected a; got b\n"),
        (PermissionError(13, "Permission denied", "var"), "gongfen: var: Permission denied\n"),
    ],
)
def test_known_errors_are_told_as_they_are(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "build", _broken(error))
    assert run() == cli.FAILED
    assert capsys.readouterr().err == line


# Parts ----------------------------------------------------------------------------------------------------------------


def test_a_part_that_is_not_installed_has_no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    here = EntryPoint("here", "ledger.commands:register", cli.GROUP)
    gone = EntryPoint("gone", "no_such_part.commands:register", cli.GROUP)
    half = EntryPoint("half", "ledger.no_such_part:register", cli.GROUP)
    monkeypatch.setattr(cli, "entry_points", lambda group: [here, gone, half])
    names = {group.name for group in cli.build().registered_groups}
    assert "key" in names


def test_a_part_that_is_broken_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken_part.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cli, "entry_points", lambda group: [EntryPoint("x", "broken_part:register", cli.GROUP)])
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        cli.build()


def test_scenarios_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(commands.importlib, "import_module", absent)
    app = typer.Typer()
    commands.register(app)
    assert "scenario" not in {group.name for group in app.registered_groups}


def test_scenarios_that_are_broken_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ModuleNotFoundError(name="no_such_library")

    monkeypatch.setattr(commands.importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError):
        commands.register(typer.Typer())
