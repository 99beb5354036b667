"""Shells complete the command by the script that it prints."""

import shutil
import subprocess
import sys

import pytest

from tf_salience.cli import main

COMMAND = f"{sys.executable} -m tf_salience"
#: What bash does when Tab is pressed after the words $@.
PRESS_TAB = f"""
source <({COMMAND} --print-completion bash)
complete -p tf-salience
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_shtab_tf_salience tf-salience "${{@: -1}}" "${{@: -2:1}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completions(folder, *words):
    """What bash offers for the last of some words."""
    process = subprocess.run(
        ["bash", "-c", PRESS_TAB, "bash", "tf-salience", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stderr == ""
    registered, *offers = process.stdout.splitlines()
    assert registered.startswith("complete ")
    assert registered.endswith(" -F _shtab_tf_salience tf-salience")
    return offers


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
class TestBash:
    def test_commands(self, tmp_path):
        assert completions(tmp_path, "ex") == ["explain", "export"]

    def test_options(self, tmp_path):
        assert completions(tmp_path, "inspect", "m.keras", "--vo") == ["--vocabulary"]

    def test_choices(self, tmp_path):
        offers = completions(tmp_path, "explain", "m.keras", "--rule", "g")
        assert offers == ["gauss_legendre"]

    def test_files_and_folders(self, tmp_path):
        (tmp_path / "model.keras").touch()
        (tmp_path / "models").mkdir()
        assert sorted(completions(tmp_path, "inspect", "mod")) == ["model.keras", "models"]
        assert completions(tmp_path, "demo", "--export", "mod") == ["models"]
        assert completions(tmp_path, "export", "model.keras", "mod") == ["models"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_registers_the_completion():
    script = (
        "autoload -Uz compinit; compinit -D; "
        f'eval "$({COMMAND} --print-completion zsh)"; print $_comps[tf-salience]'
    )
    process = subprocess.run(["zsh", "-fc", script], capture_output=True, text=True, check=False)
    assert (process.stdout, process.stderr) == ("_shtab_tf_salience\n", "")


def test_another_shell_is_an_argument_error(capsys):
    with pytest.raises(SystemExit) as error:
        main.main(["--print-completion", "dos"])
    assert error.value.code == 2
    assert "invalid choice: 'dos'" in capsys.readouterr().err
