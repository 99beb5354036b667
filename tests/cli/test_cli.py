import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from tf_salience import cli

WORDS = ["", "[UNK]", "the", "soup", "was", "good", "bad"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model that takes strings and its part that takes ids, saved."""
    import keras

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("models")
    ids = keras.Input((None,), dtype="int64")
    embedded = keras.layers.Embedding(len(WORDS), 8, mask_zero=True, name="token_embedding")(ids)
    logits = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(embedded))
    classifier = keras.Model(ids, logits)
    text = keras.Input((), dtype="string")
    vectorizer = keras.layers.TextVectorization(vocabulary=WORDS[2:])
    keras.Model(text, classifier(vectorizer(text))).save(folder / "text.keras")
    classifier.save(folder / "ids.keras")
    (folder / "vocabulary.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.mark.parametrize(
    ("arguments", "code"),
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
def test_help_and_argument_errors_do_not_import_tensorflow(arguments, code, tmp_path):
    script = (
        "import sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from tf_salience.cli import main\n"
        f"sys.exit(main({arguments!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_texts_are_explained(models, run):
    code, out, err = run(
        "explain", models / "text.keras", "--text", "the soup was good", "--text", "bad"
    )
    assert (code, err) == (0, "")
    assert "integrated_gradients at token_embedding" in out
    for word in ("soup(", "good(", "bad("):
        assert word in out


def test_ids_need_a_vocabulary(models, run):
    code, _, err = run("explain", models / "ids.keras", "--text", "soup was good")
    assert code == 2
    assert err.startswith("tf-salience: error: ")
    assert err.count("\n") == 1
    code, with_words, _ = run(
        "explain", models / "ids.keras", "--text", "The soup, was good!",
        "--vocabulary", models / "vocabulary.txt",
    )  # fmt: skip
    assert code == 0
    _, by_itself, _ = run("explain", models / "text.keras", "--text", "the soup was good")
    assert with_words == by_itself


def test_what_is_saved_is_what_was_asked(models, run, tmp_path):
    data = tmp_path / "a.csv"
    data.write_text("text,label\nthe soup was good,pos\nbad,neg\nthe soup,pos\n", encoding="utf-8")
    output = tmp_path / "out.json"
    code, out, err = run(
        "explain", models / "text.keras", "--data", data, "--max", "2", "--target", "label",
        "--method", "integrated_gradients", "--steps", "8", "--rule", "midpoint",
        "--embeddings", "token_embedding", "--class-names", "pos,neg", "--output", output,
    )  # fmt: skip
    assert (code, out) == (0, "")
    assert "2 explanations" in err
    from tf_salience import Explanation

    found = Explanation.load(output)
    assert found.tokens == [["the", "soup", "was", "good"], ["bad"]]
    assert found.target_name == ["pos", "neg"], "by name, not by the file's own order"
    assert found.target.tolist() == [0, 1]
    config = found.config["method"]["config"]
    assert (config["steps"], config["rule"]) == (8, "midpoint")
    assert json.loads(output.read_text(encoding="utf-8"))


@pytest.mark.parametrize("target", ["1", "neg"])
def test_a_target_by_index_or_name(models, run, target):
    code, out, _ = run(
        "explain", models / "text.keras", "--text", "good", "--target", target,
        "--class-names", "pos,neg", "--method", "gradient_norm",
    )  # fmt: skip
    assert code == 0
    assert out.startswith("neg = ")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--text", "x", "--target", "label"], "needs labels"),
        (["--text", "x", "--target", "7"], "7"),
        (["--text", "x", "--target", "nobody"], "nobody"),
        (["--text", "x", "--embeddings", "nothing"], "nothing"),
        (["--text", "x", "--method", "gradient_norm", "--steps", "3"], "integrated_gradients"),
        (["--text", "x", "--rule", "lit"], "--rule needs a number"),
        (["--text", "x", "--baseline", "magic"], "magic"),
        (["--text", "x", "--output", "no/such/folder/x.json"], "no directory"),
        (["--text", "x", "--vocabulary", "missing.txt"], "no vocabulary file"),
        (["--data", "missing.csv"], "no data file"),
    ],
)
def test_a_users_error_is_one_line(models, run, extra, message):
    code, out, err = run("explain", models / "text.keras", *extra)
    assert (code, out) == (2, "")
    assert err.startswith("tf-salience: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_file_that_is_no_model(run, tmp_path):
    path = tmp_path / "m.keras"
    path.write_text("no model", encoding="utf-8")
    code, _, err = run("explain", path, "--text", "x")
    assert code == 2
    assert err.count("\n") == 1


def test_a_vocabulary_whose_ids_would_be_shifted(models, run, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("the\nsoup\nwas\n", encoding="utf-8")
    code, _, err = run("explain", models / "ids.keras", "--text", "x", "--vocabulary", path)
    assert code == 2
    assert "first line must be padding" in err


def test_the_traceback_is_there_for_the_asking(models, run):
    code, _, err = run("explain", models / "text.keras", "--text", "x", "--target", "7",
                       "--traceback")  # fmt: skip
    assert code == 2
    assert err.startswith("Traceback")


def test_a_warning_is_one_line(models, run):
    code, _, err = run("explain", models / "text.keras", "--text", "zebra")
    assert code == 0
    assert err.startswith("tf-salience: warning: ")
    assert err.count("\n") == 1


def test_a_deprecation_in_a_library_is_not_the_users(run, monkeypatch):
    def deprecated(options):
        warnings.warn("nodes of ast take no such argument", DeprecationWarning, stacklevel=1)
        warnings.warn("the user's", UserWarning, stacklevel=1)

    monkeypatch.setattr("tf_salience.cli.commands.demo", deprecated)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert run("demo") == (0, "", "tf-salience: warning: the user's\n")


def test_showing_warnings_is_left_as_it_was(models, run):
    before = warnings.showwarning
    run("explain", models / "text.keras", "--text", "zebra")
    assert warnings.showwarning is before


def test_ctrl_c(monkeypatch):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.commands, "demo", interrupt)
    assert cli.main(["demo"]) == 130


def plain_environment():
    """A user's: no log level is set, so it is the command that sets it."""
    return {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}


def test_a_broken_pipe_is_quiet(models):
    texts = [part for _ in range(3000) for part in ("--text", "the soup was good")]
    command = [sys.executable, "-m", "tf_salience", "explain", str(models / "text.keras"), *texts]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command,
        check=False,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=plain_environment(),
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_command_shows_our_words_only(models):
    """Without what TensorFlow's libraries write while they are imported."""
    command = [sys.executable, "-m", "tf_salience", "explain", str(models / "text.keras")]
    done = subprocess.run(
        [*command, "--text", "the soup was good"],
        check=False,
        capture_output=True,
        text=True,
        env=plain_environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.strip().splitlines()) == 2


def test_a_failed_import_says_why(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'the library says why')\nraise ImportError('broken')\n"
    )
    (tmp_path / "m.keras").touch()
    done = subprocess.run(
        [sys.executable, "-m", "tf_salience", "explain", "m.keras", "--text", "x"],
        cwd=tmp_path, check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )  # fmt: skip
    assert done.returncode == 2
    assert "the library says why" in done.stderr
    assert "tf-salience: error: broken" in done.stderr


def test_demo_options_reach_the_demo(monkeypatch):
    seen = []
    monkeypatch.setattr("tf_salience.demo.run.run_demo", lambda asked, console: seen.append(asked))
    monkeypatch.setattr(
        "tf_salience.cli.served.export_and_ask", lambda result, folder, console: seen.append(folder)
    )
    assert cli.main(["demo", "--explain", "7", "--seed", "3", "--rating-column", "stars"]) == 0
    asked, folder = seen
    assert not folder.exists(), "the demo keeps nothing unless it is asked to"
    assert (asked.explain, asked.seed, asked.rating_column) == (7, 3, "stars")
    assert np.isclose(asked.max_texts, 20_000)


def test_export(models, run, tmp_path):
    import tensorflow as tf

    out = tmp_path / "served"
    arguments = ("export", models / "text.keras", out, "--version", "3", "--steps", "4")
    code, printed, err = run(*arguments)
    assert (code, err) == (0, "")
    assert printed.startswith(f"Wrote {out / '3'}. Its signatures:\n")
    assert "attributions_with_target: " in printed
    served = tf.saved_model.load(str(out / "3")).signatures["attributions"]
    (name,) = served.structured_input_signature[1]
    answer = served(**{name: tf.constant(["the soup was good"])})
    assert answer["tokens"].numpy()[0].tolist() == [b"the", b"soup", b"was", b"good"]
    code, printed, err = run(*arguments)
    assert (code, printed) == (2, "")
    assert "overwrite" in err
    assert run(*arguments, "--overwrite", "--method", "gradient_norm")[0] == 2
    assert run("export", models / "text.keras", out, "--version", "3", "--overwrite")[0] == 0


def test_export_with_a_vocabulary(models, run, tmp_path):
    import tensorflow as tf

    vocabulary = models / "vocabulary.txt"
    code, _, err = run(
        "export", models / "ids.keras", tmp_path / "m", "--vocabulary", vocabulary,
        "--method", "gradient_dot_input", "--warm-up", "the soup", "--target", "1",
    )  # fmt: skip
    assert (code, err) == (0, "")
    served = tf.saved_model.load(str(tmp_path / "m")).signatures["attributions"]
    (name,) = served.structured_input_signature[1]
    answer = served(**{name: tf.constant(["soup"])})
    assert answer["target"].numpy().tolist() == [1]
    assert (tmp_path / "m" / "assets.extra" / "tf_serving_warmup_requests").is_file()


def test_inspect(models, run):
    code, printed, err = run("inspect", models / "ids.keras")
    assert (code, err) == (0, "")
    assert "*  token_embedding  7" in printed
    assert "Ids are shown as numbers" in printed
    vocabulary = models / "vocabulary.txt"
    printed = run("inspect", models / "ids.keras", "--vocabulary", vocabulary)[1]
    assert "a vocabulary of 7" in printed
    assert run("inspect", models / "ids.keras", "--embeddings", "tokens")[0] == 2


def test_one_of_several_outputs(models, run):
    asked = ("explain", models / "text.keras", "--text", "the soup", "--method", "gradient_norm")
    assert run(*asked, "--head", "0")[0] == 0
    code, _, err = run(*asked, "--head", "3")
    assert (code, "must be a number from 0 to 0" in err) == (2, True)
    code, _, err = run(*asked, "--continuation", " good", "--target", "1")
    assert (code, "--continuation is a target itself" in err) == (2, True)


def test_labels_cannot_be_exported(models, run, tmp_path):
    code, out, err = run("export", models / "text.keras", tmp_path / "m", "--target", "label")
    assert (code, out) == (2, "")
    assert "attributions_with_target" in err
