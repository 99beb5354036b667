"""`inspect` ends with the guides of the documentation that fit the model."""

from pathlib import Path

import helpers
import keras
import model_zoo
import pytest
from keras import layers

from tf_salience.models.guides import Guide
from tf_salience.models.report import report

ROOT = Path(__file__).parents[2]


class Table(layers.Layer):
    """An embedding layer that holds its own matrix."""

    def build(self, _):
        self.table = self.add_weight(shape=(model_zoo.VOCABULARY, 8), name="table")

    def call(self, ids):
        return keras.ops.take(self.table, ids, axis=0)


def guides_for(model, **arguments):
    """The files at the end of what `inspect` prints."""
    _, title, listed = report(model, **arguments).partition("\n\nRead on in the documentation\n")
    assert title
    return [line.split()[0] for line in listed.splitlines()]


def classifier(embedding, outputs=1):
    """A model of one text with an embedding layer."""
    ids = model_zoo.ids_input()
    hidden = layers.GlobalAveragePooling1D()(embedding(ids))
    heads = [layers.Dense(3, name=f"head_{number}")(hidden) for number in range(outputs)]
    return keras.Model(ids, heads[0] if outputs == 1 else heads)


@pytest.mark.parametrize("guide", Guide)
def test_every_guide_is_a_page_of_the_documentation(guide):
    title, file = guide.value
    assert f"\n# {title}\n" in "\n" + (ROOT / file).read_text("utf-8")


def test_a_classifier():
    assert guides_for(classifier(model_zoo.table())) == ["docs/tutorials/text_classifier.md"]


def test_a_layer_that_holds_its_own_table():
    assert guides_for(classifier(Table())) == ["docs/own_embeddings.md"]


def test_no_embedding_layer():
    model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
    assert guides_for(model) == ["docs/own_embeddings.md", "docs/models.md"]


def test_a_layer_that_must_be_named():
    ids = model_zoo.ids_input()
    joined = layers.Add()(
        [model_zoo.table("tags")(ids), layers.Embedding(90, 8, name="words")(ids)]
    )
    model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(joined))
    assert guides_for(model) == ["docs/own_embeddings.md"]
    # Two explained layers make two segments.
    assert guides_for(model, embeddings=["words", "tags"]) == ["docs/pairs_and_outputs.md"]


def test_a_pair_of_texts():
    table, inputs = model_zoo.table(), [model_zoo.ids_input(name) for name in ("query", "title")]
    vectors = [layers.GlobalAveragePooling1D()(table(tensor)) for tensor in inputs]
    model = model_zoo.classified(inputs, layers.Concatenate()(vectors))
    assert guides_for(model) == ["docs/pairs_and_outputs.md"]


def test_several_outputs():
    assert guides_for(classifier(model_zoo.table(), outputs=2)) == ["docs/pairs_and_outputs.md"]


def test_a_tagger():
    assert guides_for(model_zoo.build("tagger")) == ["docs/pairs_and_outputs.md"]


def test_a_model_that_cannot_be_explained():
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(3, 6), dtype="int32"),
            model_zoo.table(),
            layers.LSTM(4, stateful=True),
            layers.Dense(2),
        ]
    )
    assert guides_for(model) == ["docs/models.md"]


class TestKerasHub:
    @pytest.fixture
    def hub(self):
        pytest.importorskip("keras_hub", reason="KerasHub, the extra `hub`, is not installed")
        return pytest.importorskip("keras_hub_models")

    def test_a_classifier(self, hub):
        model = helpers.weights_alive(hub.classifier("Bert"))
        assert guides_for(model) == ["docs/tutorials/hub.md"]

    @pytest.mark.slow
    def test_a_language_model(self, hub):
        assert guides_for(hub.language_model("GPT2")) == ["docs/tutorials/language_model.md"]
