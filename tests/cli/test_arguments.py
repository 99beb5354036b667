import re
import shlex
import subprocess
import sys

import pytest

from tf_salience.attribution.methods import METHODS
from tf_salience.cli import arguments, main


@pytest.mark.parametrize(
    ("command_line", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["--print-completion", "bash"], 0),
        (["demo", "--help"], 0),
        (["explain", "--help"], 0),
        (["export", "--help"], 0),
        (["inspect", "--help"], 0),
        (["evaluate", "--help"], 0),
        (["lit", "--help"], 0),
        (["lit", "m.keras"], 2),
        (["lit", "m.keras", "--data", "a.csv", "--port", "0"], 2),
        (["lit", "missing.keras", "--data", "a.csv"], 2),
        (["evaluate", "m.keras"], 2),
        (["evaluate", "missing.keras", "--data", "a.csv"], 2),
        (["inspect", "missing.keras"], 2),
        ([], 0),
        (["explain", "m.keras"], 2),
        (["explain", "m.keras", "--text", "x", "--method", "magic"], 2),
        (["explain", "m.keras", "--text", "x", "--steps", "0"], 2),
        (["explain", "m.keras", "--text", "x", "--output", "x.csv"], 2),
        (["explain", "missing.keras", "--text", "x"], 2),
        (["export", "missing.keras", "out"], 2),
        (["export", "m.keras", "out", "--version", "one"], 2),
        (["demo", "--save", "x.h5"], 2),
        (["demo", "--data", "a.csv", "--tfds", "b"], 2),
    ],
)
def test_help_and_argument_errors_do_not_import_tensorflow(command_line, code, tmp_path):
    script = (
        "import sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from tf_salience.cli.main import main\n"
        f"sys.exit(main({command_line!r}))"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert process.returncode == code, process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize("command", [["explain", "m.keras", "--text", "x"], ["export", "m", "out"]])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_chosen(command, method):
    assert arguments.parser().parse_args([*command, "--method", method]).method == method


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--steps", "0", "--steps: must be a positive integer"),
        ("--steps", "many", "--steps: must be a positive integer or auto.*'many'"),
        ("--steps", "٣", "--steps: must be a positive integer or auto"),
        ("--steps", "9" * 5000, "--steps: must be a positive integer or auto"),
        ("--steps", "1_0", "--steps: must be a positive integer or auto"),
        ("--batch-size", "８", "--batch-size: must be a positive integer"),
        ("--max", "x", "--max: must be a positive integer.*'x'"),
        ("--batch-size", "-1", "--batch-size.*'-1'"),
    ],
)
def test_a_number_out_of_range_is_an_argument_error(option, value, message, capsys):
    command_line = ["explain", "m.keras", "--text", "x", f"{option}={value}"]
    with pytest.raises(SystemExit) as error:
        arguments.parser().parse_args(command_line)
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert re.search(message, printed)
    assert len(printed.splitlines()[-1]) < 1500


@pytest.mark.parametrize("option", ["--target", "--baseline", "--head"])
def test_an_index_is_of_ascii_digits(option):
    def value(text):
        command_line = ["explain", "m.keras", "--text", "x", option, text]
        return getattr(arguments.parser().parse_args(command_line), option.strip("-"))

    assert [value(text) for text in ("7", "007", "٣", "²", "1_0")] == [7, 7, "٣", "²", "1_0"]


@pytest.mark.parametrize("command_line", [["export", "m", "o", "--version"], ["demo", "--seed"]])
def test_a_number_is_of_ascii_digits(command_line, capsys):
    with pytest.raises(SystemExit):
        arguments.parser().parse_args([*command_line, "٣"])
    assert "must be a number. Received: '٣'" in capsys.readouterr().err


def test_argument_errors_do_not_control_the_terminal(capsys):
    with pytest.raises(SystemExit):
        arguments.parser().parse_args(["inspect", "m", "--bad\x1b]0;title\x07\u202e"])
    assert r"--bad\x1b]0;title\x07\u202e" in capsys.readouterr().err


def test_without_a_command_all_are_shown_with_examples(capsys):
    assert main.main([]) == 0
    printed = capsys.readouterr().out
    commands = [
        arguments.parser().parse_args(shlex.split(example)[1:]).command
        for example in arguments.EXAMPLES
    ]
    assert commands == ["demo", "explain", "evaluate", "report", "export", "inspect", "lit"]
    for example in arguments.EXAMPLES:
        assert f"\n  {example}\n" in printed
