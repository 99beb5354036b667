import os
import subprocess
import sys


def _environment(**variables):
    """A user's environment: without a log level, so that the command must set it."""
    return {
        name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"
    } | variables


def test_only_the_command_itself_prints(models):
    """TensorFlow's libraries print to standard error while they are imported."""
    command = [sys.executable, "-m", "tf_salience", "explain", str(models / "text.keras")]
    process = subprocess.run(
        [*command, "--text", "the soup was good"],
        check=False,
        capture_output=True,
        text=True,
        env=_environment(),
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert len(process.stdout.strip().splitlines()) == 2


def test_a_failed_import_prints_what_the_library_said(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'the library says why')\nraise ImportError('broken')\n"
    )
    (tmp_path / "m.keras").touch()
    process = subprocess.run(
        [sys.executable, "-m", "tf_salience", "explain", "m.keras", "--text", "x"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        env=_environment(PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path])),
    )
    assert process.returncode == 2
    assert "the library says why" in process.stderr
    assert "tf-salience: error: broken" in process.stderr
