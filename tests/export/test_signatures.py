"""The inputs of the signatures: their specs, their names, and examples as requests."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
import serving
import tensorflow as tf
from keras import layers
from serving import ids, request

import tf_salience as tfs
from tf_salience.export import signatures
from tf_salience.models.text_model import TextModel


def of_input(spec, **arguments):
    """A model of one input, and a text model of it."""
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(30, 8)(spec))
    return TextModel.from_arguments(keras.Model(spec, layers.Dense(2)(hidden)), **arguments)


class TestTrace:
    def test_symbolic_inputs_have_their_names(self):
        model = TextModel.from_arguments(helpers.two_segments())
        specs, signature = signatures.trace(model, None)
        assert {key: spec.name for key, spec in specs.items()} == {
            "premise": "premise",
            "hypothesis": "hypothesis",
        }
        assert [segment.name for segment in signature.shown] == ["premise", "hypothesis"]

    def test_a_model_that_was_built_on_sentences_takes_any_width(self):
        model = helpers.FunctionCall()
        model(helpers.ids())
        specs, _ = signatures.trace(TextModel.from_arguments(model), None)
        assert specs.shape.as_list() == [None, None]

    def test_a_model_of_one_width_keeps_it(self):
        model = helpers.Subclassed()
        model(helpers.ids())
        specs, _ = signatures.trace(TextModel.from_arguments(model), None)
        assert specs.shape.as_list() == [None, helpers.WIDTH]

    def test_a_model_that_does_not_tell_its_inputs(self):
        class Pair(keras.Model):
            def __init__(self):
                super().__init__()
                self.words, self.head = model_zoo.table(), layers.Dense(2)

            def call(self, inputs):
                vectors = self.words(inputs["a"]) + self.words(inputs["b"])
                return self.head(tf.reduce_sum(vectors, axis=1))

        keras_model = Pair()
        keras_model({"a": helpers.ids(), "b": helpers.ids()})
        model = TextModel.from_arguments(keras_model, embeddings="words")
        with pytest.raises(ValueError, match="inputs of the model .*not known.*`input_signature=`"):
            signatures.trace(model, None)
        spec = keras.InputSpec(shape=(4, None), dtype="int32")
        specs, _ = signatures.trace(model, {"a": spec, "b": spec})
        assert {key: spec.name for key, spec in specs.items()} == {"a": "a", "b": "b"}
        assert specs["a"].shape.as_list() == [None, None]

    @pytest.mark.parametrize(
        ("input_signature", "error", "message"),
        [
            (tf.TensorSpec((None, 4, 4), "int32"), ValueError, "cannot be traced.*The model said"),
            ("ids", TypeError, r"must be a nest of tf.TensorSpec.*Received: 'ids' \(of type str"),
            (keras.InputSpec(ndim=2), TypeError, "with shape and dtype. Received"),
        ],
        ids=["rank", "string", "without shape"],
    )
    def test_a_signature_that_does_not_fit(self, models, input_signature, error, message):
        model = TextModel.from_arguments(models("sequential_lstm"))
        with pytest.raises(error, match=message):
            signatures.trace(model, input_signature)

    @pytest.mark.parametrize("name", ["target", "Target", "my input"])
    def test_names_that_a_request_cannot_have(self, name):
        model = of_input(keras.Input((None,), dtype="int32", name=name))
        with pytest.raises(ValueError, match="other than `target`.*Received"):
            signatures.trace(model, None)

    def test_a_key_that_is_the_name_of_another_input(self):
        first, second = (keras.Input((None,), dtype="int32", name=name) for name in "ba")
        embedding = layers.Embedding(30, 8)
        vectors = [layers.GRU(4)(embedding(tensor)) for tensor in (first, second)]
        outputs = layers.Dense(2)(layers.Concatenate()(vectors))
        model = keras.Model({"a": first, "b": second}, outputs)
        with pytest.raises(ValueError, match="the name of another input.*its key as its name"):
            signatures.trace(TextModel.from_arguments(model), None)


def test_an_input_signature_is_exported(models, tmp_path):
    folder = tfs.export_saved_model(
        models("sequential_lstm"),
        tmp_path / "m",
        method=tfs.IntegratedGradients(steps=2, baseline=np.ones((4, 8))),
        input_signature=tf.TensorSpec((None, 4), "int32", name="token_ids"),
    )
    described = tfs.read_signature(folder)["signatures"]["serving_default"]["inputs"]
    assert described == {"token_ids": {"dtype": "int32", "shape": [None, 4]}}
    results = request(serving.load(folder), token_ids=ids()[:, :4])
    assert results["scores"].shape == (6, 4)


class TestTextInputs:
    def numbers(self, model):
        return list(signatures.text_inputs(model, *signatures.trace(model, None)))

    def test_ids_that_a_tokenizer_makes(self):
        vectorizer = helpers.vectorizer()
        model = TextModel.from_arguments(helpers.two_segments(), tokenizer=vectorizer)
        assert self.numbers(model) == [0, 1]
        model = TextModel.from_arguments(helpers.functional_with_mask(), tokenizer=vectorizer)
        assert self.numbers(model) == [0]

    @pytest.mark.parametrize("build", [helpers.text_model, helpers.sequential_lstm])
    def test_none_where_the_model_takes_texts_or_nothing_splits_them(self, build):
        assert self.numbers(TextModel.from_arguments(build())) == []

    def test_a_vocabulary_larger_than_the_table(self, models, tmp_path):
        vectorizer = layers.TextVectorization(vocabulary=[*map(str, range(99))])
        with pytest.raises(
            ValueError, match=r"vocabulary of 101, more .*30 rows .* Pass the tokenizer"
        ):
            tfs.export_saved_model(models("sequential_lstm"), tmp_path / "m", tokenizer=vectorizer)
        assert list(tmp_path.iterdir()) == []

    def test_ids_that_are_no_input(self):
        first = keras.Input((None,), dtype="int32", name="first")
        hidden = layers.GlobalAveragePooling1D()(layers.Embedding(30, 8, name="words")(first + 1))
        model = TextModel.from_arguments(
            keras.Model(first, layers.Dense(2)(hidden)),
            embeddings="words",
            tokenizer=helpers.vectorizer(),
        )
        with pytest.raises(
            ValueError, match="not an input.*takes .*'first'.*. Pass the vocabulary"
        ):
            self.numbers(model)


class TestExampleRequests:
    def requests(self, model, examples):
        specs, signature = signatures.trace(model, None)
        text_inputs = signatures.text_inputs(model, specs, signature)
        return signatures.example_requests(model, specs, text_inputs, examples)

    def test_of_ids(self):
        model = of_input(keras.Input((None,), dtype="int32", name="ids"))
        of_model, of_attributions = self.requests(model, [[1, 2]])
        assert of_model["ids"].dtype == np.int32
        assert of_model["ids"].tolist() == of_attributions["ids"].tolist() == [[1, 2]]

    def test_of_texts_that_a_tokenizer_splits(self):
        spec = keras.Input((10,), dtype="int32", name="ids")
        model = of_input(spec, tokenizer=helpers.vectorizer())
        of_model, of_attributions = self.requests(model, ["w0 w1"])
        assert of_model["ids"].tolist() == [[2, 3, *[0] * 8]]
        assert of_attributions["ids"].tolist() == ["w0 w1"]
        with pytest.raises(TypeError, match="`warm_up` must hold texts.*Received: int64"):
            self.requests(model, np.ones((1, 10), int))

    def test_a_dict_for_a_model_of_a_list(self):
        model = TextModel.from_arguments(helpers.functional_with_mask())
        token_ids = helpers.ids()
        examples = {"padding_mask": (token_ids != 0) * 1, "token_ids": token_ids}
        of_model, _ = self.requests(model, examples)
        np.testing.assert_array_equal(of_model["token_ids"], token_ids)


def test_dimensions_of_a_request_are_open():
    spec = signatures.opened(tf.TensorSpec((None, 4), tf.int32, "ids"))
    assert spec == tf.TensorSpec((None, None), tf.int32, "ids")
