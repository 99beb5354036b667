import os
import subprocess
import sys
import warnings

from tf_salience.cli.main import main


def test_a_traceback_on_request(models, run):
    code, _, err = run("explain", models / "text.keras", "--text", "x", "--target", "7",
                       "--traceback")  # fmt: skip
    assert code == 2
    assert err.startswith("Traceback")


def test_a_warning_is_one_line(models, run):
    code, _, err = run("explain", models / "text.keras", "--text", "zebra")
    assert code == 0
    assert err.startswith("tf-salience: warning: ")
    assert err.count("\n") == 1


def test_deprecations_are_not_shown_to_users(run, monkeypatch):
    def deprecated(options):
        warnings.warn("nodes of ast take no such argument", DeprecationWarning, stacklevel=1)
        warnings.warn("the user's", UserWarning, stacklevel=1)

    monkeypatch.setattr("tf_salience.cli.commands.demo", deprecated)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert run("demo") == (0, "", "tf-salience: warning: the user's\n")


def test_the_display_of_warnings_is_restored(models, run):
    before = warnings.showwarning
    run("explain", models / "text.keras", "--text", "zebra")
    assert warnings.showwarning is before


def test_ctrl_c(monkeypatch):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr("tf_salience.cli.commands.demo", interrupt)
    assert main(["demo"]) == 130


def test_a_broken_pipe_is_quiet(models):
    texts = [part for _ in range(3000) for part in ("--text", "the soup was good")]
    command = [sys.executable, "-m", "tf_salience", "explain", str(models / "text.keras"), *texts]
    environment = {
        name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"
    }
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        command,
        check=False,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    os.close(writing)
    assert (process.returncode, process.stderr) == (141, "")
