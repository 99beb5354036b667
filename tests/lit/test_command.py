"""`tf-salience lit`, as a user runs it: a server, its page's questions, Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error

import pytest
from lit_requests import ask

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")

pytestmark = pytest.mark.slow


def _free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def _serve(model, data, *options):
    """Starts the command; returns its process once it says where LIT is, and the address."""
    port = str(_free_port())
    command = [sys.executable, "-m", "tf_salience", "lit", model, "--data", data, "--port", port]
    # A background job of a script is started with Ctrl-C ignored, and its children inherit that.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*map(str, command), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    line = process.stdout.readline()
    address = f"http://127.0.0.1:{port}"
    assert line == f"LIT is at {address} · Ctrl-C ends it.\n", process.communicate()[1]
    return process, address


def _info(process, address):
    """Asks until the server listens, which is a moment after the command has said where."""
    while process.poll() is None:
        try:
            return ask(address, "get_info")
        except urllib.error.HTTPError:
            raise
        except OSError:
            continue
    raise AssertionError(process.communicate()[1])


def _interrupt(process):
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()  # where it has not ended by itself
    assert process.returncode in (0, 130)
    assert "Traceback" not in errors


def test_a_classifier(reviews, sentences, tmp_path):
    reviews.save(tmp_path / "reviews.keras")
    rows = "".join(
        f"{text}\t{('no', 'yes')[label]}\n"
        for text, label in zip(sentences.texts[:5], sentences.labels[:5], strict=True)
    )
    (tmp_path / "reviews.tsv").write_text(f"sentence\tlabel\n{rows}", encoding="utf-8")
    process, address = _serve(
        tmp_path / "reviews.keras",
        tmp_path / "reviews.tsv",
        *("--text-column", "sentence", "--label-column", "label", "--class-names", "no,yes"),
    )
    try:
        info = _info(process, address)
        (name,) = info["models"]
        assert info["models"][name]["spec"]["output"]["probas"]["vocab"] == ["no", "yes"]
        examples = ask(address, "get_dataset", dataset_name="texts")
        assert [example["data"]["text"] for example in examples] == sentences.texts[:5]
        (result,) = ask(
            address,
            "get_interpretations",
            {"inputs": [examples[0]["id"]]},
            model=name,
            dataset_name="texts",
            interpreter="Integrated Gradients",
        )
        assert result["token_grads"]["tokens"] == sentences.texts[0].split()
    finally:
        _interrupt(process)


def test_a_language_model(language_model, tmp_path):
    language_model.save(tmp_path / "gpt2.keras")
    (tmp_path / "prompts.csv").write_text("text\nthe soup was\n", encoding="utf-8")
    process, address = _serve(tmp_path / "gpt2.keras", tmp_path / "prompts.csv")
    try:
        names = set(_info(process, address)["models"])
        (name,) = (name for name in names if not name.startswith("_"))
        assert names == {name, f"_{name}_salience", f"_{name}_tokenizer"}
        (example,) = ask(address, "get_dataset", dataset_name="texts")
        (tokens,) = ask(
            address,
            "get_preds",
            {"inputs": [example["id"]]},
            model=f"_{name}_tokenizer",
            dataset_name="texts",
        )
        assert "".join(tokens["tokens"]).endswith("soup▁was")
    finally:
        _interrupt(process)
