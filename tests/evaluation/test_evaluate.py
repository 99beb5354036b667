"""`evaluate` beside direct versions, and on models whose answer is known."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_salience as tfs
from tf_salience.evaluation import ranked_text
from tf_salience.evaluation.plausibility import auprc

IDS = helpers.ids(8, seed=3)
TEXTS = ["the soup was good", "the soup was bad", "good the soup", "not bad was the soup"]


def probability_without(model, ids, classes, erased):
    """The probability of the classes, by the model's own layers, with tokens at zero."""
    embedding, *rest = model.layers
    hidden = np.where(erased[:, :, None], 0.0, embedding(ids))
    hidden = tf.constant(hidden, tf.float32)
    mask = tf.constant(ids != 0)
    for layer in rest:
        hidden = layer(hidden, mask=mask) if isinstance(layer, keras.layers.LSTM) else layer(hidden)
    return np.asarray(keras.ops.softmax(hidden))[np.arange(len(ids)), classes]


def direct_comprehensiveness(model, ids, scores, classes):
    """Equation 1 of DeYoung et al. 2020, text by text."""
    values = []
    for row, row_scores, target in zip(ids, scores, classes, strict=True):
        length = int((row != 0).sum())
        if length < 2:
            continue
        order = np.argsort(-row_scores[:length], kind="stable")
        falls = []
        for fraction in (0.05, 0.1, 0.2, 0.5):
            erased = np.zeros((1, len(row)), bool)
            erased[0, order[: int(np.ceil(fraction * length - 1e-9))]] = True
            both = [
                probability_without(model, row[None], [target], sets)[0]
                for sets in (np.zeros_like(erased), erased)
            ]
            falls.append(both[0] - both[1])
        values.append(np.mean(falls))
    return np.array(values)


@pytest.fixture(scope="module")
def evaluation(explainers):
    return tfs.evaluate(explainers, IDS, naopc_beam=3)


def test_comprehensiveness_is_that_of_a_direct_version(model, explainers, evaluation):
    for number, explainer in enumerate(explainers):
        explanation = explainer(IDS)
        expected = direct_comprehensiveness(model, IDS, explanation.scores, explanation.target)
        values = evaluation.measures["comprehensiveness"].values[number]
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_occlusion_of_the_probability_is_leave_one_out(model):
    explainer = tfs.Explainer(model, "occlusion", target=tfs.targets.Probability())
    evaluation = tfs.evaluate(explainer, IDS)
    np.testing.assert_allclose(evaluation.measures["kendall_tau"].means[0], 1.0, atol=1e-6)


def test_texts_of_one_token_are_left_out_and_counted(evaluation):
    lengths = (IDS != 0).sum(axis=1)
    assert (lengths < 2).any()
    assert evaluation.left_out == (lengths < 2).sum()
    expected = np.flatnonzero(lengths > 1)
    np.testing.assert_array_equal(evaluation.measures["deletion"].examples, expected)
    assert f"{evaluation.left_out} of fewer than two tokens left out" in str(evaluation)
    for name, array in evaluation.arrays().items():
        assert np.isfinite(array).all(), name


def test_naopc_is_between_the_worst_and_the_best(evaluation):
    values = evaluation.measures["naopc"].values
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert "bounds by a beam of 3, exact up to 8" in " ".join(str(evaluation).split())


class Oracle:
    """A method with the best order of each text, of a linear model: the tokens' values."""

    follows_path, baseline, keep_ids = False, "zeros", ()

    def __init__(self, sign):
        self.sign = sign

    def reduction(self, gradient, difference):
        return self.sign * tf.reduce_sum(gradient * difference, axis=-1)

    def __call__(self, path):
        return tfs.GradientDotInput.__call__(self, path)

    def get_config(self):
        return {"sign": self.sign}


def test_an_oracle_has_naopc_1_and_its_reverse_0():
    table = np.random.default_rng(0).normal(size=(30, 1)).astype(np.float32)
    model = helpers.formula_model(lambda x: tf.reduce_sum(x, axis=1), table)
    explainers = {
        name: tfs.Explainer(model, Oracle(sign), target=0)
        for name, sign in (("oracle", 1.0), ("reverse", -1.0))
    }
    ids = np.random.default_rng(1).integers(1, 30, (5, 7))
    evaluation = tfs.evaluate(explainers, ids, scale="target", naopc_beam=1)
    means = evaluation.measures["naopc"].means
    np.testing.assert_allclose(means[:2], [1.0, 0.0], atol=1e-5)
    assert 0.1 < means[2] < 0.9
    assert "log_odds" not in evaluation.measures
    assert "in units of target" in str(evaluation)


class Nothing(Oracle):
    """Scores that are all zero."""

    def __init__(self):
        super().__init__(0.0)


def test_scores_that_are_all_zero_are_those_of_random(model, monkeypatch):
    monkeypatch.setattr(ranked_text, "RANDOM_RANKINGS", 1)
    evaluation = tfs.evaluate({"nothing": tfs.Explainer(model, Nothing())}, IDS, naopc_beam=2)
    for name, measure in evaluation.measures.items():
        if name != "kendall_tau":
            np.testing.assert_array_equal(measure.values[0], measure.values[1], err_msg=name)
    assert not evaluation.measures["kendall_tau"].values[0].any()


def test_the_words_that_decide_are_found(word_model):
    explainers = [tfs.Explainer(word_model, name) for name in ("occlusion", "gradient_norm")]
    rationales = [["good"], [3], [(0, 4)], []]
    evaluation = tfs.evaluate(explainers, TEXTS, rationales=rationales)
    for name in ("auprc", "token_f1", "top_1", "iou_f1"):
        assert evaluation.measures[name].values[0].tolist() == [1.0, 1.0, 1.0], name
        assert evaluation.measures[name].examples.tolist() == [0, 1, 2]
    assert evaluation.measures["comprehensiveness"].means[0] > 0.4
    # A mean of embeddings has the same gradient at each token: no order.
    assert evaluation.measures["auprc"].values[1, 0] == pytest.approx(
        auprc(np.zeros(4), np.array([0, 0, 0, 1], bool))
    )
    assert "1 left out" in str(evaluation)


@pytest.mark.parametrize("eraser", ["baseline", "remove", "mean", "bad", 3])
def test_the_output_says_which_eraser(word_model, eraser):
    evaluation = tfs.evaluate(tfs.Explainer(word_model, "occlusion"), TEXTS, eraser=eraser)
    said = "remove" if eraser == "remove" else "baseline"
    assert f"eraser: {said}" in str(evaluation)
    assert evaluation.config["eraser"].startswith(said)


def test_removed_tokens_are_not_there(word_model):
    """The mean over what is left, by the model itself on shorter texts."""
    explainer = tfs.Explainer(word_model, "occlusion", target=0)
    (erasing,) = explainer.erasing(TEXTS, removes=True)
    erased = np.zeros((3, sum(erasing.widths)), bool)
    erased[0, :2] = erased[1, 1] = erased[2, :] = True
    targets = erasing(np.array([0, 1, 2]), erased)
    expected = np.asarray(word_model(tf.constant(["was good", "the was bad"])))[:, 0]
    np.testing.assert_allclose(targets[:2], expected, rtol=1e-5)
    # Of a text that would be empty one token stays, at the baseline.
    assert targets[2] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.filterwarnings("ignore::tf_salience.UnmaskedPaddingWarning")
def test_what_fills_the_end_must_be_masked():
    explainer = tfs.Explainer(helpers.convolution(), "occlusion", pad_id=0)
    with pytest.raises(ValueError, match="`eraser='remove'` needs a model that masks its padding"):
        tfs.evaluate(explainer, IDS, eraser="remove")


def test_ranges_do_not_matter(word_model):
    texts = [TEXTS[number % 4] for number in range(600)]
    explainer = tfs.Explainer(word_model, "occlusion", batch_size=32)
    done = []
    evaluation = tfs.evaluate(explainer, texts, progress=lambda *counts: done.append(counts))
    assert done == [(512, 600), (600, 600)]
    values = evaluation.measures["comprehensiveness"].values[0]
    np.testing.assert_allclose(values, np.tile(values[:4], 150), atol=1e-6)


def test_a_data_set_brings_its_labels(model):
    explainer = tfs.Explainer(model, "occlusion", target="label")
    labels = np.arange(8) % 3
    batches = tf.data.Dataset.from_tensor_slices((IDS, labels)).batch(3)
    of_batches = tfs.evaluate(explainer, batches).measures["deletion"].values
    of_arrays = tfs.evaluate(explainer, IDS, labels).measures["deletion"].values
    np.testing.assert_allclose(of_batches, of_arrays, atol=1e-6)


def test_segments_and_labels():
    model = helpers.weights_alive(helpers.two_segments(), 0.5)
    inputs = {"premise": IDS, "hypothesis": helpers.ids(8, width=6, seed=4)}
    explainer = tfs.Explainer(model, "occlusion", target="label")
    evaluation = tfs.evaluate(explainer, inputs, [0, 1, 2, 0, 1, 2, 0, 1])
    tau, random = evaluation.measures["kendall_tau"].means
    assert tau > random + 0.2
    with pytest.raises(ValueError, match="label"):
        tfs.evaluate(explainer, inputs)


def test_probabilities_whose_softmax_is_not_seen_are_measured_as_they_are():
    model = keras.Sequential(
        [
            *helpers.sequential_lstm().layers,
            keras.layers.Lambda(
                lambda x: keras.ops.exp(x) / keras.ops.sum(keras.ops.exp(x), axis=-1, keepdims=True)
            ),
        ]
    )
    model.build((None, None))
    evaluation = tfs.evaluate(tfs.Explainer(model, "gradient_norm"), IDS)
    assert evaluation.config["scale"] == "target"


def test_the_cost_counts_passes(explainers):
    evaluation = tfs.evaluate(explainers, IDS)
    gradient, occlusion = (evaluation.cost[name] for name in evaluation.methods)
    assert (gradient["forward"], gradient["backward"]) == (16, 8)
    assert occlusion["backward"] == 0
    assert evaluation.cost["measures"]["forward"] > 100


class TestErrors:
    def test_a_method_given_twice(self, explainers):
        with pytest.raises(ValueError, match="different names.*Pass a dict"):
            tfs.evaluate([explainers[0], explainers[0]], IDS)

    def test_two_models(self, explainers):
        other = tfs.Explainer(helpers.sequential_lstm(), "gradient_norm")
        with pytest.raises(ValueError, match="`explainers` must be of one model"):
            tfs.evaluate([explainers[0], other], IDS)

    def test_two_targets(self, model, explainers):
        other = tfs.Explainer(model, "gradient_norm", target=1)
        with pytest.raises(ValueError, match="`explainers` must have one target"):
            tfs.evaluate([explainers[0], other], IDS)

    def test_two_baselines(self, model):
        explainers = {name: tfs.Explainer(model, tfs.Occlusion(name)) for name in ("zeros", "mean")}
        with pytest.raises(ValueError, match="methods with one baseline.*'zeros', 'mean'"):
            tfs.evaluate(explainers, IDS)

    def test_no_explainer(self, model):
        with pytest.raises(TypeError, match="`explainers` must be an `Explainer`"):
            tfs.evaluate([model], IDS)

    def test_no_text_of_two_tokens(self, explainers):
        with pytest.raises(ValueError, match="texts of two or more tokens.*Received: 2 examples"):
            tfs.evaluate(explainers, np.array([[3, 0], [4, 0]]))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"naopc_beam": -1}, "`naopc_beam` must be a positive integer"),
            ({"scale": "logit"}, "`scale` must be one of"),
            ({"rationales": [["a"]]}, "one rationale for each of the 8 examples. Received: 1"),
            ({"rationales": [[77]] * 8}, "positions among the 10 tokens of example 0"),
            ({"rationales": [[(0, 4)]] * 8}, "need texts, whose tokens' offsets are known"),
        ],
    )
    def test_arguments(self, explainers, options, message):
        with pytest.raises(ValueError, match=message):
            tfs.evaluate(explainers, IDS, **options)

    def test_characters_outside_the_text(self, word_model):
        explainer = tfs.Explainer(word_model, "occlusion")
        with pytest.raises(ValueError, match=r"characters of the text of example 1.*\(90, 99\)"):
            tfs.evaluate(explainer, TEXTS, rationales=[[], [(90, 99)], [], []])

    def test_rationales_of_another_kind(self, explainers):
        with pytest.raises(TypeError, match="a list of words, of positions.*Received: 'good'"):
            tfs.evaluate(explainers, IDS, rationales=["good"] * 8)
