import re
import subprocess
import sys

import pytest

from tf_salience.attribution.methods import METHODS
from tf_salience.cli import arguments


@pytest.mark.parametrize(
    ("command_line", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["demo", "--help"], 0),
        (["explain", "--help"], 0),
        (["export", "--help"], 0),
        (["inspect", "--help"], 0),
        (["inspect", "missing.keras"], 2),
        ([], 2),
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
        ("--steps", "many", "--steps: must be a positive integer or auto.* many"),
        ("--max", "x", "--max: must be a positive integer.* x"),
        ("--batch-size", "-1", "--batch-size.* -1"),
    ],
)
def test_a_number_out_of_range_is_an_argument_error(option, value, message, capsys):
    command_line = ["explain", "m.keras", "--text", "x", f"{option}={value}"]
    with pytest.raises(SystemExit) as error:
        arguments.parser().parse_args(command_line)
    assert error.value.code == 2
    assert re.search(message, capsys.readouterr().err)
