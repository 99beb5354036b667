"""Without LIT: what `import tf_salience.lit` and the command say. Runs in every environment."""

import subprocess
import sys

import pytest

HIDE = "import sys; sys.modules['lit_nlp'] = None; "


def _python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


def test_the_error_says_how_to_install_lit():
    done = _python(f"{HIDE}import tf_salience.lit")
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: `tf_salience.lit` needs LIT")
    assert "`pip install --no-deps lit-nlp==1.3.1`" in message
    assert "attrs pandas portpicker rouge-score sacrebleu scikit-learn werkzeug`" in message
    assert "numpy<2: `pip install lit-nlp==1.3.1`" in message


def test_the_package_itself_does_not_import_lit():
    done = _python(
        f"{HIDE}import tf_salience as tfs; tfs.Explainer, tfs.evaluate, tfs.export_saved_model"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_command_says_so_too(tmp_path):
    import keras

    keras.Sequential([keras.Input((3,)), keras.layers.Embedding(4, 2)]).save(tmp_path / "m.keras")
    (tmp_path / "a.csv").write_text("text\ngood\n", encoding="utf-8")
    done = _python(
        f"{HIDE}from tf_salience.cli.main import main; sys.exit(main(sys.argv[1:]))",
        *("lit", str(tmp_path / "m.keras"), "--data", str(tmp_path / "a.csv"), "--port", "5987"),
    )
    assert done.returncode == 2
    assert done.stderr.startswith("tf-salience: error: `tf_salience.lit` needs LIT")
    assert done.stderr.count("\n") == 1
