"""`LitModel`: its fields, what it predicts, and LIT's stock components on it."""

import helpers
import keras
import numpy as np
import pytest

pytest.importorskip("lit_nlp", reason="needs LIT, in an environment of its own: tox -e lit")

from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import types
from lit_nlp.components import (
    classification_results,
    gradient_maps,
    lime_explainer,
    metrics,
    nearest_neighbors,
    pca,
    projection,
    regression_results,
    salience_clustering,
)
from lit_nlp.lib import caching, validation

import tf_salience as tfs
import tf_salience.lit as tfs_lit

TEXTS = ["w1 w2 w3", "w4 w5", "w6 w7 w8 w9"]


def _words_model(units, activation=None, **keywords):
    keras.utils.set_random_seed(5)
    embed = keras.layers.Embedding(helpers.VOCABULARY, 8, mask_zero=True)
    head = keras.layers.Dense(units, activation=activation)
    layers = [keras.Input((None,), dtype="int64"), embed, keras.layers.GRU(6), head]
    words = keras.layers.TextVectorization(vocabulary=helpers.WORDS)
    return tfs.Explainer(keras.Sequential(layers), tokenizer=words, **keywords)


def test_predictions_are_those_of_the_model(model, dataset, reviews):
    outputs = model.predict(dataset.examples)
    texts = [example["text"] for example in dataset.examples]
    logits = reviews.predict(keras.ops.convert_to_tensor(texts), verbose=0)
    expected = np.asarray(keras.ops.softmax(logits))
    for output, probabilities, text in zip(outputs, expected, texts, strict=True):
        assert output["tokens"] == text.split()
        np.testing.assert_allclose(output["probas"], probabilities, atol=1e-5)
        assert output["predicted"] == ("negative", "positive")[probabilities.argmax()]
        assert output["token_embs"].shape == output["token_grads"].shape
        assert len(output["token_embs"]) == len(output["tokens"])


def test_gradients_are_those_of_the_probability():
    """By central differences along a direction of the embeddings that LIT gives back."""
    model = tfs_lit.LitModel(_words_model(3))
    (output,) = model.predict([{"text": TEXTS[0], "label": "2"}])
    assert output["label"] == "2"
    direction = np.random.default_rng(0).normal(size=output["token_embs"].shape)
    sides = [
        model.predict([{"text": TEXTS[0], "token_embs": output["token_embs"] + step * direction}])
        for step in (1e-2, -1e-2)
    ]
    slope = (sides[0][0]["probas"][2] - sides[1][0]["probas"][2]) / 2e-2
    assert slope == pytest.approx((output["token_grads"] * direction).sum(), rel=0.02)


def test_an_example_without_a_class_is_of_the_predicted_one():
    model = tfs_lit.LitModel(_words_model(3))
    for label in ({}, {"label": ""}, {"label": "none of these"}, {"label": None}):
        (output,) = model.predict([{"text": TEXTS[0], **label}])
        assert output["label"] == output["predicted"] == str(output["probas"].argmax())


@pytest.mark.parametrize(
    ("units", "activation", "names", "classes"),
    [
        (3, None, None, ["0", "1", "2"]),
        (3, "softmax", ["a", "b", "c"], ["a", "b", "c"]),
        (1, None, ["no", "yes"], ["no", "yes"]),
        (1, "sigmoid", ["no", "yes"], ["no", "yes"]),
        (1, "sigmoid", None, ["0", "1"]),
    ],
)
def test_what_outputs_mean(units, activation, names, classes):
    model = tfs_lit.LitModel(_words_model(units, activation, class_names=names))
    spec = model.output_spec()
    assert spec["probas"].vocab == classes
    assert spec["probas"].parent == "label"
    for output in model.predict([{"text": text} for text in TEXTS]):
        assert output["probas"].shape == (len(classes),)
        assert output["probas"].sum() == pytest.approx(1, abs=1e-5)
    for interpreter in (tfs_lit.IntegratedGradients(), tfs_lit.Occlusion()):
        first, last = (
            interpreter.run([{"text": TEXTS[0]}], model, None, config={"Class to explain": name})[
                0
            ]["token_grads"].salience
            for name in (classes[0], classes[-1])
        )
        if units == 1:
            np.testing.assert_allclose(first, -last, atol=1e-5)
        else:
            assert np.abs(first - last).max() > 1e-3


def test_a_regression_score():
    model = tfs_lit.LitModel(_words_model(1))
    dataset = model.dataset(TEXTS, [0.5, 1.5, -1.0])
    assert isinstance(model.output_spec()["score"], types.RegressionScore)
    outputs = model.predict(dataset.examples)
    (result, *_) = regression_results.RegressionInterpreter().run(
        dataset.examples, model, dataset, outputs
    )
    assert result["score"].error == pytest.approx(outputs[0]["score"] - 0.5)
    theirs = gradient_maps.IntegratedGradients().run(dataset.examples, model, dataset)
    ours = tfs_lit.IntegratedGradients(compat=True).run(dataset.examples, model, dataset)
    for expected, result in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(
            result["token_grads"].salience, expected["token_grads"].salience, atol=1e-5
        )


def test_the_specs_hold_by_lits_own_validation(model, dataset):
    validation.validate_dataset(dataset, report_all=True)
    validation.validate_model(model, dataset, report_all=True)
    assert model.is_compatible_with_dataset(dataset)


def test_no_examples():
    assert tfs_lit.LitModel(_words_model(2)).predict([]) == []


def _tagger():
    words = keras.layers.TextVectorization(vocabulary=helpers.WORDS)
    embed = keras.layers.Embedding(helpers.VOCABULARY, 8, mask_zero=True)
    layers = [words, embed, keras.layers.GRU(6, return_sequences=True), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((), dtype="string"), *layers])


def _two_heads():
    ids = keras.Input((None,), dtype="int64")
    hidden = keras.layers.Embedding(helpers.VOCABULARY, 8, mask_zero=True)(ids)
    hidden = keras.layers.GRU(6)(hidden)
    model = keras.Model(ids, [keras.layers.Dense(2)(hidden), keras.layers.Dense(3)(hidden)])
    words = keras.layers.TextVectorization(vocabulary=helpers.WORDS)
    return tfs.Explainer(model, tokenizer=words)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: tfs_lit.LitModel("model"), TypeError, "Explainer"),
        (lambda: tfs_lit.LitModel(_words_model(2), text="label"), ValueError, "different fields"),
        (
            lambda: tfs_lit.LitModel(_words_model(2)).dataset(TEXTS, [1]),
            ValueError,
            "1 labels for 3 texts",
        ),
        (
            lambda: tfs_lit.LitModel(_words_model(2)).dataset(TEXTS, [0, 1, 2]),
            ValueError,
            "from 0 to 1",
        ),
        (
            lambda: tfs_lit.LitModel(_words_model(2)).predict(
                [{"text": TEXTS[0], "token_embs": np.zeros((2, 8))}]
            ),
            ValueError,
            r"\(3, 8\).*\(2, 8\)",
        ),
        (lambda: tfs_lit.LitModel(tfs.Explainer(_tagger())), ValueError, "sequence_models"),
        (lambda: tfs_lit.LitModel(_two_heads()), ValueError, "output="),
    ],
)
def test_what_does_not_fit_is_an_error(make, error, message):
    with pytest.raises(error, match=message):
        make()


# LIT's stock components, on the model in the cache that LIT's server puts around it.


@pytest.fixture(scope="module")
def served(model):
    return caching.CachingModelWrapper(model, "reviews")


@pytest.mark.parametrize(
    "interpreter",
    [
        gradient_maps.GradientNorm(),
        gradient_maps.GradientDotInput(),
        gradient_maps.IntegratedGradients(),
    ],
)
def test_lits_gradient_interpreters(interpreter, served, dataset):
    assert interpreter.is_compatible(served, dataset)
    for result in interpreter.run(dataset.examples[:2], served, dataset):
        assert np.isfinite(result["token_grads"].salience).all()


def test_lime(served, dataset):
    lime = lime_explainer.LIME()
    assert lime.is_compatible(served, dataset)
    (result,) = lime.run(dataset.examples[:1], served, dataset, config={"Number of samples": 32})
    assert len(result["text"].salience) == len(dataset.examples[0]["text"].split())


@pytest.mark.parametrize("mapper", [gradient_maps.IntegratedGradients, tfs_lit.IntegratedGradients])
def test_salience_clustering(mapper, served, dataset):
    clustering = salience_clustering.SalienceClustering({"IG": mapper()})
    config = {"Salience Mapper": "IG", "Number of clusters": 2}
    result = clustering.run(dataset.examples[:12], served, dataset, config=config)
    assert set(result["cluster_ids"]["token_grads"]) == {0, 1}


def test_metrics_and_results(served, dataset):
    (result,) = metrics.MulticlassMetrics().run(dataset.examples, served, dataset)
    right = [
        output["predicted"] == example["label"]
        for output, example in zip(served.predict(dataset.examples), dataset.examples, strict=True)
    ]
    assert result["metrics"]["accuracy"] == pytest.approx(np.mean(right))
    (classified, *_) = classification_results.ClassificationInterpreter().run(
        dataset.examples, served, dataset
    )
    assert classified["probas"].correct == right[0]


@pytest.fixture(scope="module")
def indexed(dataset):
    return lit_dataset.IndexedDataset(base=dataset, id_fn=caching.input_hash)


def _projected(projector, served, indexed):
    config = {
        "dataset_name": "held_out",
        "model_name": "reviews",
        "field_name": "mean_embedding",
        "use_input": False,
        "proj_kw": {"n_components": 2},
    }
    manager = projection.ProjectionManager(projector)
    return manager.run(indexed.examples, served, indexed, config=config)


def test_pca_of_embeddings(served, indexed):
    points = np.array([row["z"] for row in _projected(pca.PCAModel, served, indexed)])
    assert points.shape == (len(indexed), 2)
    assert points.std(axis=0).min() > 0


@pytest.mark.slow
def test_umap_of_embeddings(served, indexed):
    pytest.importorskip("umap", reason="needs umap-learn")
    from lit_nlp.components import umap

    points = np.array([row["z"] for row in _projected(umap.UmapModel, served, indexed)])
    assert points.shape == (len(indexed), 2)


def test_nearest_neighbours(served, indexed):
    config = {"embedding_name": "mean_embedding", "num_neighbors": 3, "use_input": False}
    (result,) = nearest_neighbors.NearestNeighbors().run(
        indexed.examples[:1], served, indexed, config=config
    )
    nearest, *_ = result["nearest_neighbors"]
    assert nearest == {"id": indexed.examples[0]["_id"], "nn_distance": 0}
