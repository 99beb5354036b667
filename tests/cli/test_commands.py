import json
import re
import subprocess
import sys
import textwrap
import zipfile

import pytest


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


def test_the_saved_explanation_follows_the_options(models, run, tmp_path):
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

    explanation = Explanation.load(output)
    assert explanation.tokens == [["the", "soup", "was", "good"], ["bad"]]
    assert explanation.target_name == ["pos", "neg"], (
        "by name, not by the order of the file's names"
    )
    assert explanation.target.tolist() == [0, 1]
    config = explanation.config["method"]["config"]
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
        (["--text", "x", "--output", "no/such/folder/x.json"], "--output no/such/folder/x.json"),
        (["--text", "x", "--vocabulary", "missing.txt"], "missing.txt"),
        (["--data", "missing.csv"], "missing.csv"),
        (["--text", "x", "--import", "no/such/layers.py"], "no/such/layers.py"),
        (["--text", "x", "--import", "no_such_module"], "--import no_such_module"),
        (["--text", "x", "--target", "\x1b]52;c;cm0=\x07"], "x1b]52;c;cm0="),
        (["--text", "x", "--target", "a" * 5000], "aaa"),
    ],
)
def test_a_user_error_is_one_line(models, run, extra, message):
    code, out, err = run("explain", models / "text.keras", *extra)
    assert (code, out) == (2, "")
    assert err.startswith("tf-salience: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert err.rstrip("\n").isprintable()
    assert len(err) < 1600


@pytest.mark.parametrize("content", [b"no model", b"PK\x03\x04", None])
def test_a_file_that_is_no_model(run, tmp_path, content):
    path = tmp_path / "m.keras"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "[" * 100_000)
            archive.writestr("metadata.json", "{}")
    else:
        path.write_bytes(content)
    code, _, err = run("explain", path, "--text", "x")
    assert code == 2
    assert "m.keras" in err
    assert err.count("\n") == 1


def test_a_folder_is_no_model(run, tmp_path):
    code, out, err = run("explain", tmp_path, "--text", "the soup")
    assert (code, out) == (2, "")
    assert "must be a file, `.keras`. Received: a folder" in err


def test_brackets_nested_by_the_thousand(models, run, tmp_path):
    data = tmp_path / "a.jsonl"
    data.write_text('{"text": "good"}\n' + '{"text": ' + "[" * 100_000 + "\n")
    code, out, err = run("explain", models / "text.keras", "--data", data)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"tf-salience: error: \S*a\.jsonl:2: .*nested.*\n", err)


def test_no_text_controls_the_terminal(models, run):
    name = "\x1b[31mpos\u202e\n"
    code, out, _ = run(
        "explain", models / "text.keras", "--text", "the soup\x07 \x9b2J", "--target", "0",
        "--class-names", f"{name},neg",
    )  # fmt: skip
    assert code == 0
    assert out.startswith(r"\x1b[31mpos\u202e = ")
    assert all(line.isprintable() for line in out.split("\n"))
    assert out.count("\n") == 3


def test_class_names_from_a_file(models, run, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("pos\nneg\n", encoding="utf-8")
    code, out, _ = run(
        "explain", models / "text.keras", "--text", "good", "--target", "neg",
        "--class-names-file", names, "--method", "gradient_norm",
    )  # fmt: skip
    assert code == 0
    assert out.startswith("neg = ")


def test_demo_options_reach_the_demo(run, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "tf_salience.demo.run.run_demo", lambda options, console: calls.append(options)
    )
    monkeypatch.setattr(
        "tf_salience.cli.demo_export.export_and_compare",
        lambda result, directory, console: calls.append(directory),
    )
    monkeypatch.setattr(
        "tf_salience.cli.demo_report.write_demo_report",
        lambda result, filepath, console: calls.append(filepath),
    )
    assert run("demo", "--explain", "7", "--seed", "3", "--rating-column", "stars")[0] == 0
    options, directory, filepath = calls
    assert filepath == "tf_salience_demo.html"
    assert not directory.exists(), "the demo leaves no files without an option for them"
    assert (options.explain, options.seed, options.rating_column) == (7, 3, "stars")
    assert options.max_texts == 20_000


def test_export(models, run, tmp_path):
    import tensorflow as tf

    out = tmp_path / "served"
    arguments = ("export", models / "text.keras", out, "--version", "3", "--steps", "4")
    code, printed, err = run(*arguments)
    assert (code, err) == (0, "")
    assert printed.startswith(f"Wrote {out / '3'}. Its signatures:\n")
    assert "attributions_with_target: " in printed
    signature = tf.saved_model.load(str(out / "3")).signatures["attributions"]
    (name,) = signature.structured_input_signature[1]
    outputs = signature(**{name: tf.constant(["the soup was good"])})
    assert outputs["tokens"].numpy()[0].tolist() == [b"the", b"soup", b"was", b"good"]
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
    signature = tf.saved_model.load(str(tmp_path / "m")).signatures["attributions"]
    (name,) = signature.structured_input_signature[1]
    outputs = signature(**{name: tf.constant(["soup"])})
    assert outputs["target"].numpy().tolist() == [1]
    assert (tmp_path / "m" / "assets.extra" / "tf_serving_warmup_requests").is_file()


def test_inspect(models, run):
    code, printed, err = run("inspect", models / "ids.keras")
    assert (code, err) == (0, "")
    assert re.search(r"\* +token_embedding\b.*\b7\b", printed)
    assert "Ids are shown as numbers" in printed
    vocabulary = models / "vocabulary.txt"
    printed = run("inspect", models / "ids.keras", "--vocabulary", vocabulary)[1]
    assert "a vocabulary of 7" in printed
    assert run("inspect", models / "ids.keras", "--embeddings", "tokens")[0] == 2


@pytest.mark.slow
def test_inspect_shows_names_that_would_control_the_terminal(tmp_path):
    # In a process of its own: Keras does not leave a name scope whose name TensorFlow refuses.
    script = """
        import keras
        from tf_salience.cli.main import main

        ids = keras.Input((4,), dtype="int32", name="ids\\x1b[31m\\u202e")
        hidden = keras.layers.Embedding(9, 4, name="table\\x1b]0;title\\x07\\nnext")(ids)
        outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(hidden))
        keras.Model(ids, outputs, name="model\\x9b").save("m.keras")
        main(["inspect", "m.keras"])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert r"table\x1b]0;title\x07\nnext" in done.stdout, done.stderr
    assert r"ids\x1b[31m\u202e" in done.stdout
    assert all(line.isprintable() for line in done.stdout.split("\n"))


def test_one_of_several_outputs(models, run):
    command = ("explain", models / "text.keras", "--text", "the soup", "--method", "gradient_norm")
    assert run(*command, "--head", "0")[0] == 0
    code, _, err = run(*command, "--head", "3")
    assert (code, "must be a number from 0 to 0" in err) == (2, True)
    code, _, err = run(*command, "--continuation", " good", "--target", "1")
    assert (code, "--continuation is a target itself" in err) == (2, True)


def test_labels_cannot_be_exported(models, run, tmp_path):
    code, out, err = run("export", models / "text.keras", tmp_path / "m", "--target", "label")
    assert (code, out) == (2, "")
    assert "attributions_with_target" in err


class TestEvaluate:
    @pytest.fixture
    def data(self, tmp_path):
        path = tmp_path / "a.csv"
        rows = ["the soup was good,pos,good", "bad,neg,bad", "the soup was bad,neg,bad"]
        path.write_text("\n".join(["text,label,why", *rows]) + "\n", encoding="utf-8")
        return path

    def test_a_table_is_printed(self, models, run, data):
        code, out, err = run(
            "evaluate", models / "text.keras", "--data", data, "--rationale-column", "why",
            "--methods", "occlusion,integrated_gradients", "--baseline", "mean",
            "--naopc", "3", "--randomization", "2", "--eraser", "remove",
        )  # fmt: skip
        assert code == 0, err
        for part in ("3 examples, 1 of fewer than two tokens", "eraser: remove", "NAOPC", "AUPRC"):
            assert part in " ".join(out.split())

    def test_it_is_saved(self, models, run, data, tmp_path):
        output = tmp_path / "out.json"
        code, out, err = run(
            "evaluate", models / "ids.keras", "--vocabulary", models / "vocabulary.txt",
            "--data", data, "--target", "label", "--class-names", "neg,pos", "--output", output,
        )  # fmt: skip
        assert (code, out) == (0, ""), err
        from tf_salience import Evaluation
        from tf_salience.attribution.methods import METHODS

        evaluation = Evaluation.load(output)
        assert evaluation.methods == list(METHODS)
        assert evaluation.config["target_name"] == "pos, neg"

    @pytest.mark.parametrize(
        ("extra", "message"),
        [
            (["--methods", "occlusion,occlusion"], "each once. Received: 'occlusion,occlusion'"),
            (["--methods", "magic"], "--methods must be names of"),
            (["--rationale-column", "nothing"], "there is no column 'nothing'"),
            (["--target", "label"], "--class-names"),
            (["--output", "x.csv"], "suffix"),
        ],
    )
    def test_arguments(self, models, run, data, extra, message):
        code, _, err = run("evaluate", models / "text.keras", "--data", data, *extra)
        assert code == 2
        assert message in err
