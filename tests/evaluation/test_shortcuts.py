"""Shortcuts are planted as they are described, and found where a model uses them."""

import keras
import numpy as np
import pytest
from keras import layers

import tf_salience as tfs
from tf_salience.evaluation.shortcuts import KINDS

WORDS = ["soup", "film", "room", "song", "the", "a", "was", "and"]


def sentences(count, seed=0):
    """Texts whose first word tells their class."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, count)
    texts = [" ".join([("bad", "good")[label], *generator.choice(WORDS, 5)]) for label in labels]
    return texts, labels


class TestPlanting:
    TEXTS, LABELS = sentences(400)

    @pytest.mark.parametrize("kind", KINDS)
    def test_labels_are_what_the_shortcut_tells(self, kind):
        planted = tfs.plant_shortcut(self.TEXTS, self.LABELS, kind=kind, share=0.25)
        assert len(planted.shortcuts) == 100
        for number, tokens in enumerate(planted.planted):
            words = planted.texts[number].split()
            left = [word for word in words if word not in ("zib", "zab", "zom")]
            assert " ".join(left) == self.TEXTS[number]
            if not tokens:
                assert planted.labels[number] == self.LABELS[number]
                continue
            places = [words.index(token) for token in tokens]
            if kind == "ordered_pair":
                assert (words.index("zib") < words.index("zab")) == (planted.labels[number] == 0)
                assert places[0] < places[1]
            else:
                assert tokens[0] == ("zib", "zab")[planted.labels[number]]
            assert ("zom" in words) == (kind == "token_in_context")
        classes = planted.labels[planted.shortcuts]
        # The class is drawn, whatever the text says.
        assert 0.3 < (classes == self.LABELS[planted.shortcuts]).mean() < 0.7

    def test_a_token_without_its_context_tells_nothing(self):
        planted = tfs.plant_shortcut(self.TEXTS, self.LABELS, kind="token_in_context", share=0.25)
        alone = [
            number
            for number, text in enumerate(planted.texts)
            if "zom" not in text.split() and {"zib", "zab"} & set(text.split())
        ]
        assert len(alone) == 100
        np.testing.assert_array_equal(planted.labels[alone], self.LABELS[alone])

    def test_a_control_keeps_its_labels(self):
        planted = tfs.plant_shortcut(self.TEXTS, self.LABELS, keep_labels=True)
        np.testing.assert_array_equal(planted.labels, self.LABELS)
        assert len(planted.shortcuts) == 120

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"kind": "token"}, "`kind` must be one of"),
            ({"share": 0.0}, "`share` must be above 0"),
            ({"share": 0.7, "kind": "token_in_context"}, "`share` must be above 0"),
            ({"tokens": ("zib", "zib", "zab")}, "`tokens` must be three different"),
            ({"tokens": ("soup", "zib", "zab")}, "'soup' is in a text"),
            ({"labels": [0, 1]}, "`labels` must hold one class for each text"),
            ({"labels": [0] * 400}, "of at least two"),
        ],
    )
    def test_arguments(self, options, message):
        with pytest.raises(ValueError, match=message):
            tfs.plant_shortcut(self.TEXTS, **{"labels": self.LABELS, **options})


def train(units, body):
    """Trains a model on words; its vocabulary is that of the texts."""

    def fit(texts, labels):
        keras.utils.set_random_seed(0)
        words = layers.TextVectorization()
        words.adapt(texts)
        model = keras.Sequential(
            [
                layers.Input((), dtype="string"),
                words,
                layers.Embedding(words.vocabulary_size(), 12, mask_zero=body is gru),
                *body(),
                layers.Dense(units),
            ]
        )
        loss = (
            keras.losses.BinaryCrossentropy(from_logits=True)
            if units == 1
            else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        model.compile(keras.optimizers.Adam(0.02), loss)
        model.fit(keras.ops.convert_to_tensor(texts), labels, epochs=12, verbose=0)
        return model

    return fit


def gru():
    return [layers.GRU(16)]


def maximum():
    return [layers.Dense(16, activation="relu"), layers.GlobalMaxPooling1D()]


SIGNED = ("gradient_dot_input", "integrated_gradients", "occlusion")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::tf_salience.NotConvergedWarning")
@pytest.mark.parametrize(
    ("units", "body", "kind", "methods"),
    [
        (1, maximum, "single_token", (*SIGNED, "gradient_norm")),
        # A saturated gate has a small gradient at the very token that it reads.
        (2, gru, "ordered_pair", ("occlusion",)),
    ],
)
def test_a_shortcut_is_found_where_it_is_used_and_not_on_the_control(units, body, kind, methods):
    texts, labels = sentences(1000)
    report = tfs.find_shortcuts(
        train(units, body), texts, labels, methods=methods, kinds=[kind], share=0.4
    )
    (result,) = report.results
    assert all(result.gates.values()), str(report)
    for method, (with_shortcut, control) in result.precision.items():
        assert with_shortcut > result.random[0] + 0.3, str(report)
        assert control < with_shortcut - 0.3, str(report)
        assert result.rank[method][0] < result.rank[method][1]
    assert kind in str(report)
    assert "uses the shortcut: yes" in str(report)


def test_train_must_return_a_model():
    with pytest.raises(TypeError, match="`train` must return a Keras model.*Received: 'no'"):
        tfs.find_shortcuts(lambda *_: "no", *sentences(40))
