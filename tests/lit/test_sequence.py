"""Sequence salience: every KerasHub causal language model, and the numbers of LIT's own wrapper."""

import sys

import keras
import numpy as np
import pytest

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")


pytest.importorskip("keras_hub", reason="needs KerasHub, the extra `hub`")

import keras_hub
import keras_hub_models as hub

import tf_salience as tfs
import tf_salience.lit as tfs_lit
from tf_salience import targets

EXAMPLE = {"prompt": "the soup was", "target": " good again"}


@pytest.fixture(scope="module", params=hub.LANGUAGE_MODELS)
def case(request):
    """A language model and its three LIT models."""
    model = hub.seeded(hub.language_model, request.param)
    return model, tfs_lit.sequence_models("lm", tfs.Explainer(model))


def _tokens(models, example=EXAMPLE):
    (output,) = models["_lm_tokenizer"].predict([example])
    return output["tokens"]


def _scores(models, places, example=EXAMPLE):
    mask = [int(place in places) for place in range(len(_tokens(models, example)))]
    (output,) = models["_lm_salience"].predict([{**example, "target_mask": mask}])
    return output


def test_names_and_fields_are_those_of_lits_page(case):
    _, models = case
    assert list(models) == ["lm", "_lm_salience", "_lm_tokenizer"]
    spec = models["_lm_salience"].output_spec()
    assert list(spec) == [
        "grad_l2",
        "grad_dot_input",
        "integrated_gradients",
        "occlusion",
        "tokens",
    ]
    assert set(models["_lm_salience"].input_spec()) == {"prompt", "target", "target_mask"}


def test_scores_are_those_of_a_span(case):
    model, models = case
    tokens = _tokens(models)
    output = _scores(models, [len(tokens) - 1])
    text = EXAMPLE["prompt"] + EXAMPLE["target"]
    last = targets.Span(start=-1)
    (salience,) = tfs.explain(model, [text], target=last)
    np.testing.assert_allclose(output["integrated_gradients"], salience.scores, atol=1e-5)
    assert np.abs(output["occlusion"]).max() > 0
    assert len(output["tokens"]) == len(output["grad_l2"]) == len(tokens)


def test_tokens_apart_may_be_marked(case):
    """Their log-likelihoods are added; a method that is linear in the target adds too."""
    _, models = case
    both, first, last = (_scores(models, places) for places in ([2, 4], [2], [4]))
    for field in ("grad_dot_input", "occlusion"):
        np.testing.assert_allclose(both[field], np.add(first[field], last[field]), atol=1e-5)


def test_nothing_marked_scores_nothing(case):
    _, models = case
    for mask in ({}, {"target_mask": []}, {"target_mask": [1]}):
        (output,) = models["_lm_salience"].predict([{**EXAMPLE, **mask}])
        assert set(output["integrated_gradients"]) == {0.0}
    (many, none) = models["_lm_salience"].predict(
        [{**EXAMPLE, "target_mask": [0, 0, 1]}, {"prompt": "good soup"}]
    )
    assert np.abs(many["grad_l2"]).max() > 0
    assert set(none["grad_l2"]) == {0.0}


def test_generation(case):
    _, models = case
    prompts = [{"prompt": "the soup was"}, {"prompt": "a bad"}]
    outputs = list(models["lm"].predict(prompts))
    assert all(isinstance(output["response"], str) for output in outputs)


def _lits_salience(model, example, mask, monkeypatch):
    # LIT 1.3.1 imports KerasHub by its old name.
    monkeypatch.setitem(sys.modules, "keras_nlp", keras_hub)
    from lit_nlp.examples.prompt_debugging import keras_lms

    wrapper = keras_lms.KerasSalienceModel(model=model, max_length=hub.LENGTH)
    (output,) = wrapper.predict([{**example, "target_mask": mask}])
    return output


@pytest.mark.parametrize("name", ["GPT2", "Gemma"])
def test_compat_is_lits_own_wrapper(name, monkeypatch):
    """GPT-2 too: LIT takes its gradients where positions have been added to the embeddings."""
    model = hub.seeded(hub.language_model, name)
    embeddings = "embeddings_add" if name == "GPT2" else None
    explainer = tfs.Explainer(model, embeddings=embeddings)
    compat = tfs_lit.sequence_models("lm", explainer, compat=True)
    default = tfs_lit.sequence_models("lm", explainer)
    places = [2, len(_tokens(compat)) - 1]
    ours = _scores(compat, places)
    mask = [int(place in places) for place in range(len(ours["tokens"]))]
    theirs = _lits_salience(model, EXAMPLE, mask, monkeypatch)
    for field in ("grad_l2", "grad_dot_input"):
        scale = np.abs(theirs[field]).max()
        np.testing.assert_allclose(ours[field], theirs[field], atol=1e-5 * scale)
    np.testing.assert_allclose(
        _scores(default, places)["grad_dot_input"], np.negative(ours["grad_dot_input"]), atol=1e-7
    )


def test_a_keras_model_of_ones_own():
    """Without KerasHub's interface: no `generate`, no `score`."""
    keras.utils.set_random_seed(0)
    words = keras.layers.TextVectorization(vocabulary=["the", "soup", "was", "good"])
    layers = [
        keras.Input((None,), dtype="int64"),
        keras.layers.Embedding(6, 8, mask_zero=True),
        keras.layers.GRU(8, return_sequences=True),
        keras.layers.Dense(6),
    ]
    models = tfs_lit.sequence_models(
        "lm", tfs.Explainer(keras.Sequential(layers), tokenizer=words), methods=["occlusion"]
    )
    example = {"prompt": "the soup was", "target": " good"}
    assert _tokens(models, example) == ["the", "▁soup", "▁was", "▁good"]
    output = _scores(models, [3], example)
    assert set(output) == {"tokens", "occlusion"}
    assert np.abs(output["occlusion"][:3]).min() > 0
    (generated,) = models["lm"].predict([example])
    assert generated == {"response": ""}


def test_what_does_not_fit_is_an_error():
    model = hub.seeded(hub.language_model, "GPT2")
    with pytest.raises(ValueError, match="magic"):
        tfs_lit.sequence_models("lm", tfs.Explainer(model), methods=["magic"])
    models = tfs_lit.sequence_models("lm", tfs.Explainer(model), methods=["gradient_norm"])
    with pytest.raises(ValueError, match="a mark for each token"):
        list(models["_lm_salience"].predict([{**EXAMPLE, "target_mask": [1] * 99}]))
