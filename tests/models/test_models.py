"""Models of every make: the right layer is found, and its numbers are right."""

import functools

import helpers
import keras
import model_checks
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import tf_salience as tfs
from tf_salience.models import embeddings


@pytest.fixture(scope="module")
def models():
    """Builds each model once."""
    return functools.cache(model_zoo.build)


every_kind = pytest.mark.parametrize("name", model_zoo.KINDS)


def asked(name):
    kind = model_zoo.KINDS[name]
    return {"target": kind.target, **(kind.keywords or {})}


@every_kind
class TestEveryKind:
    def test_the_layer_of_the_tokens_is_found(self, models, name):
        kind = model_zoo.KINDS[name]
        assert [layer.name for layer in embeddings.find(models(name), None)] == [
            kind.embedding_name
        ]
        found = model_checks.check_complete(models(name), kind.inputs(), **asked(name))
        assert found.config["embeddings"] == [kind.embedding_name]
        assert f"at {kind.embedding_name} " in found[0].header
        # Positions of every kind of padding are known, by a mask of ids or of embeddings.
        words = tf.nest.flatten(kind.inputs())[-1 if name == "characters_and_words" else 0]
        real = words != 0 if kind.masks_padding else np.ones_like(words, bool)
        np.testing.assert_array_equal(found.mask, real)
        # A model whose own layers drop the mask hears its padding, and that is what is shown.
        assert found.scores[~found.mask].any() == kind.drops_mask

    def test_finite_differences(self, models, name):
        inputs = model_zoo.KINDS[name].inputs()
        with model_checks.unchanged(models(name), tf.nest.map_structure(tf.constant, inputs)):
            model_checks.check_finite_differences(models(name), inputs, **asked(name))


class TestFound:
    def test_a_table_of_tags_beside_the_words_is_no_guess(self):
        ids, tags = model_zoo.ids_input("text"), model_zoo.ids_input("tags")
        both = layers.Add()(
            [model_zoo.OwnTable(name="own")(ids), layers.Embedding(9, 8, name="t")(tags)]
        )
        model = model_zoo.classified([ids, tags], layers.GRU(4)(both))
        with pytest.raises(ValueError, match=r"2 embedding layers(.|\n)*own +\? +8(.|\n)*t +9"):
            tfs.Explainer(model)

    def test_only_a_category_is_no_token(self):
        genre = model_zoo.ids_input("genre", (1,))
        hidden = layers.Flatten()(layers.Embedding(4, 3, name="genres")(genre))
        model = model_zoo.classified(genre, hidden)
        with pytest.raises(ValueError, match=r"genres +4 +3 +genres +one id an example"):
            tfs.Explainer(model)
        assert tfs.explain(model, [[1]], embeddings="genres").scores.shape == (1, 1)

    def test_a_table_that_is_never_read(self):
        class Spare(keras.Model):
            def __init__(self):
                super().__init__()
                self.words = model_zoo.table("first")
                self.spare = model_zoo.table("second")
                self.spare.build((None,))

            def call(self, ids):
                return tf.reduce_sum(self.words(ids), axis=1)

        model = Spare()
        model(helpers.ids())
        with pytest.raises(ValueError, match="first(.|\n)*second"):
            tfs.Explainer(model)


def speakers_beside(words, read, name="speaker"):
    """A model of words, however they are read, beside the speaker of each of five sentences."""
    speaker = model_zoo.ids_input("who", (5,))
    hidden = layers.Flatten()(layers.Embedding(4, 3, name=name)(speaker))
    return model_zoo.classified([words, speaker], layers.Concatenate()([read, hidden]))


class OwnTaker(keras.Model):
    """Reads words by a table of its own, and speakers by a layer."""

    def __init__(self):
        super().__init__()
        self.table = self.add_weight(shape=(model_zoo.VOCABULARY, 8), name="table")
        self.speaker = layers.Embedding(4, 8, name="speaker")

    def call(self, inputs):
        words = ops.take(self.table, inputs["text"], axis=0)
        return ops.sum(words, axis=1) + ops.sum(self.speaker(inputs["who"]), axis=1)


@keras.saving.register_keras_serializable(package="tf_salience_tests")
class Encoder(layers.Layer):
    """Vectors of tokens that know of each other."""

    def __init__(self, **keywords):
        super().__init__(**keywords)
        self.words, self.read = model_zoo.OwnTable(), layers.GRU(6, return_sequences=True)

    def call(self, ids):
        return self.read(tf.nn.embedding_lookup(self.words.table, ids))

    def build(self, shape):
        self.words.build(shape)


class TestNoWrongLayerInSilence:
    WHO = np.ones((2, 5), int)
    IDS = np.array([[3, 4, 5, 6], [7, 8, 9, 10]])

    def test_sentences_of_words(self):
        words = model_zoo.ids_input("text", (5, 7))
        read = layers.GlobalAveragePooling2D()(model_zoo.table("words")(words))
        with pytest.raises(ValueError, match=r"words +30(.|\n)*it gives \(None, 5, 7, 8\)"):
            tfs.Explainer(speakers_beside(words, read))

    @pytest.mark.parametrize(
        ("words", "tags"), [("segmented_words", "pos_tags"), ("proposition", "x"), ("segment", "x")]
    )
    def test_names_that_sound_alike(self, words, tags):
        text, others = model_zoo.ids_input("text"), model_zoo.ids_input("others")
        both = layers.Add()(
            [model_zoo.table(words)(text), layers.Embedding(4, 8, name=tags)(others)]
        )
        model = model_zoo.classified([text, others], layers.GlobalAveragePooling1D()(both))
        with pytest.raises(ValueError, match=rf"`embeddings='{words}'`|{words}(.|\n)*its name"):
            tfs.Explainer(model)

    @pytest.mark.parametrize("how", ["an operation", "a layer of Keras"])
    def test_one_hot(self, how):
        words = model_zoo.ids_input("text", (4,))
        if how == "an operation":
            hot = ops.one_hot(words, model_zoo.VOCABULARY)
        else:
            hot = layers.CategoryEncoding(model_zoo.VOCABULARY, output_mode="one_hot")(words)
        model = speakers_beside(words, layers.GRU(4)(layers.Dense(6)(hot)))
        with pytest.raises(ValueError, match=r"reads the input 'text' by no|2 embedding layers"):
            tfs.explain(model, (self.IDS, self.WHO), "gradient_norm")
        named = tfs.explain(model, (self.IDS, self.WHO), "gradient_norm", embeddings="speaker")
        assert list(named.segments) == ["who"]

    def test_a_table_of_the_models_own(self):
        model = OwnTaker()
        inputs = {"text": self.IDS, "who": self.WHO}
        model(inputs)
        with pytest.raises(ValueError, match="reads the input 'text' by no embedding layer"):
            tfs.explain(model, inputs, "gradient_norm")

    def test_a_table_that_takes_floats(self):
        words = layers.Input((None,), name="text")
        read = layers.GlobalAveragePooling1D()(
            model_zoo.OwnTable(name="own")(ops.cast(words, "int32"))
        )
        with pytest.raises(ValueError, match=r"2 embedding layers(.|\n)*own"):
            tfs.Explainer(speakers_beside(words, read))

    def test_positions_that_are_counted(self):
        ids = model_zoo.ids_input("text")
        places = layers.Embedding(20, 6, name="where")(ops.cumsum(ops.ones_like(ids), axis=1))
        hidden = layers.Dense(6)(ops.one_hot(ids, model_zoo.VOCABULARY)) + places
        model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))
        with pytest.raises(ValueError, match="where +20 +6 +where +its ids are no inputs"):
            tfs.Explainer(model)

    def test_an_encoder_is_no_embedding(self):
        ids = model_zoo.ids_input("text")
        model = model_zoo.classified(
            ids, layers.GlobalAveragePooling1D()(Encoder(name="encoder")(ids))
        )
        with pytest.raises(ValueError, match=r"encoder +\?(.|\n)*it mixes tokens"):
            tfs.Explainer(model)
        assert tfs.explain(model, self.IDS, "gradient_norm", embeddings="encoder").scores.any()

    def test_a_model_that_raises_while_it_is_looked_at(self):
        class Odd(keras.Model):
            def __init__(self):
                super().__init__()
                self.first, self.second = model_zoo.table("first"), model_zoo.table("second")

            def call(self, ids):
                if ids.shape[0] is None:
                    raise KeyError("batch")
                return ops.sum(self.first(ids) + self.second(ids), axis=1)

        model = Odd()
        model(self.IDS)
        with pytest.raises(ValueError, match=r"first +30(.|\n)*second +30"):
            tfs.Explainer(model)


class TestOutputs:
    def test_names_and_numbers(self):
        several = model_zoo.build("head_of_a_list")
        by_name = tfs.explain(several, helpers.ids(), output="stars")
        by_number = tfs.explain(several, helpers.ids(), output=1)
        np.testing.assert_array_equal(by_name.scores, by_number.scores)
        assert by_name.config["output"] == "stars"
        expected = several(helpers.ids())[1][:, 0]
        np.testing.assert_allclose(by_name.output, expected, rtol=1e-5)

    @pytest.mark.parametrize(
        ("kind", "output", "error", "message"),
        [
            ("head_of_a_dict", None, ValueError, r"with `output=`.*\['topic', 'stars'\]"),
            ("head_of_a_dict", "topics", ValueError, "Did you mean 'topic'"),
            ("head_of_a_list", 2, ValueError, "from 0 to 1. Received: output=2"),
            ("head_of_a_list", "x", ValueError, r"one of \['0', '1', 'topic', 'stars'\]"),
            ("head_of_a_list", 1.5, TypeError, r"Received: output=1.5 \(of type float\)"),
            ("regression", 1, ValueError, "from 0 to 0"),
        ],
    )
    def test_errors(self, kind, output, error, message):
        with pytest.raises(error, match=message):
            tfs.explain(model_zoo.build(kind), helpers.ids(), output=output)

    def test_an_output_of_a_nest(self):
        plain = model_zoo.build("head_of_a_dict")
        said = plain(plain.input)
        model = keras.Model(plain.input, {"heads": {"a": said["topic"], "b": [said["stars"]]}})
        found = tfs.explain(model, helpers.ids(), "gradient_norm", output="heads/b/0")
        expected = tfs.explain(plain, helpers.ids(), "gradient_norm", output="stars")
        np.testing.assert_array_equal(found.scores, expected.scores)
        with pytest.raises(ValueError, match=r"\['heads/a', 'heads/b/0'\]"):
            tfs.explain(model, helpers.ids(), output="heads/c")

    def test_a_callable_of_one_output(self):
        model = model_zoo.build("head_of_a_dict")
        scores = tfs.explain(
            model, helpers.ids(), "gradient_norm", output="topic", target=lambda topic: topic[:, 1]
        ).scores
        expected = tfs.explain(model, helpers.ids(), "gradient_norm", output="topic", target=1)
        np.testing.assert_array_equal(scores, expected.scores)

    def test_exported(self, tmp_path):
        model = model_zoo.build("head_of_a_dict")
        place = tfs.export_saved_model(
            model, tmp_path / "m", method="gradient_dot_input", output="topic"
        )
        served = tf.saved_model.load(str(place)).signatures["attributions"]
        (name,) = served.structured_input_signature[1]
        live = tfs.explain(model, helpers.ids(), "gradient_dot_input", output="topic")
        found = served(**{name: tf.constant(helpers.ids())})
        np.testing.assert_allclose(found["scores"], live.scores, atol=1e-6)
        np.testing.assert_array_equal(found["target"], live.target)


class TestTaggers:
    def test_names_and_places(self):
        target = tfs.targets.Position(-1, "noun")
        names = ["noun", "verb", "other", "end"]
        model = model_zoo.build("tagger")
        found = tfs.explain(model, helpers.ids(), "gradient_norm", target=target, class_names=names)
        last = (helpers.ids() != 0).sum(1) - 1
        assert found.target_name == [f"noun at {place}" for place in last]
        expected = model(helpers.ids()).numpy()[np.arange(6), last, 0]
        np.testing.assert_allclose(found.output, expected, rtol=1e-5)

    def test_the_matrix_holds_one_explanation_a_token(self):
        model = model_zoo.build("tagger")
        explainer = tfs.Explainer(model, "gradient_dot_input", target=tfs.targets.Position(0))
        matrices = explainer.matrix(helpers.ids())
        assert [len(one) for one in matrices] == (helpers.ids() != 0).sum(1).tolist()
        matrix = matrices[1]
        assert matrix.targets == matrix.tokens
        places = list(range(len(matrix)))
        alone = tfs.explain(
            model,
            np.tile(helpers.ids()[1], (len(places), 1)),
            "gradient_dot_input",
            target=tfs.targets.Position(places),
        )
        np.testing.assert_allclose(matrix.scores, alone.scores[:, alone.mask[0]], atol=1e-5)
        assert [row.target_name for row in matrix] == alone.target_name
        header, columns, *rows = str(matrix).splitlines()
        assert header == "gradient_dot_input at words"
        assert columns.split() == matrix.tokens
        assert [row.split()[0] for row in rows] == matrix.targets
        assert matrix._repr_html_().count("<tr>") == 1 + len(matrix)
        assert matrix[:2].targets == matrix.targets[:2]

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            (tfs.targets.Position(10), "from 0 to 9, or count from the end. Received: position=10"),
            (tfs.targets.Position(7), "position=7, which is padding in example 1"),
            (tfs.targets.Position("first"), "an integer, or one per example. Received: 'first'"),
            (tfs.targets.Position([1, 2]), "one per example. Received: 2 for 6 examples"),
            (tfs.targets.Position(0, 4), "class index from 0 to 3"),
            ("predicted", "`targets.Position`"),
            (tfs.targets.Span(), "`Span` explains a language model, .*4 classes.*id 29"),
        ],
    )
    def test_errors(self, target, message):
        with pytest.raises((ValueError, TypeError), match=message):
            tfs.explain(model_zoo.build("tagger"), helpers.ids(), target=target)

    def test_a_matrix_of_a_class(self):
        with pytest.raises(TypeError, match="`matrix` explains each token of"):
            tfs.Explainer(model_zoo.build("bidirectional_grus")).matrix(helpers.ids())

    def test_left_padding_two_tables_and_labels(self):
        ids = np.array([[0, 0, 3, 4], [5, 6, 7, 8]])
        words, tags = model_zoo.ids_input("text"), model_zoo.ids_input("tags")
        both = layers.Add()([model_zoo.table("w", mask_zero=True)(words),
                             model_zoo.table("t", mask_zero=True)(tags)])  # fmt: skip
        model = helpers.weights_alive(
            keras.Model([words, tags], layers.Dense(4)(layers.Conv1D(5, 3, padding="same")(both)))
        )
        asked = {"method": "gradient_dot_input", "embeddings": ["w", "t"]}
        outputs = model([ids, ids]).numpy()
        last = tfs.explain(model, (ids, ids), target=tfs.targets.Position(-1, 1), **asked)
        np.testing.assert_allclose(last.output, outputs[:, 3, 1], rtol=1e-5)
        with pytest.raises(ValueError, match="position=0, which is padding in example 0"):
            tfs.explain(model, (ids, ids), target=tfs.targets.Position(0), **asked)
        target = tfs.targets.Position(target="label")
        matrices = tfs.Explainer(model, target=target, **asked).matrix((ids, ids), labels=[2, 3])
        np.testing.assert_allclose(matrices[0].output, outputs[0, 2:, 2], rtol=1e-5)
        np.testing.assert_allclose(matrices[1].output, outputs[1, :, 3], rtol=1e-5)
        each = tfs.targets.Position(target=[2, 3])
        again = tfs.Explainer(model, target=each, **asked).matrix((ids, ids))
        np.testing.assert_array_equal(again[0].scores, matrices[0].scores)
        differ = np.array([[1, 2, 3, 0], [1, 2, 3, 4]])
        with pytest.raises(ValueError, match="can count from the end where it is known"):
            tfs.explain(model, (ids, differ), target=tfs.targets.Position(-1), **asked)
        with pytest.raises(ValueError, match="`matrix` needs to know which tokens are real"):
            tfs.Explainer(model, target=each, **asked).matrix((ids, differ))

    def test_outputs_that_are_not_one_a_token(self):
        ids = model_zoo.ids_input(shape=(helpers.WIDTH,))
        model = keras.Model(ids, layers.Conv1D(4, 3, strides=3)(model_zoo.table()(ids)))
        for target in (tfs.targets.Position(1), tfs.targets.Span(start=1)):
            with pytest.raises(ValueError, match="an output for each token. Received: 3 outputs "):
                tfs.explain(model, helpers.ids(), target=target)


class TestLanguageModelsOfIds:
    @staticmethod
    def made(activation=None, **keywords):
        ids = model_zoo.ids_input("ids")
        hidden = model_zoo.table(mask_zero=True, **keywords)(ids)
        hidden = layers.GRU(6, return_sequences=True)(hidden)
        return helpers.weights_alive(
            keras.Model(ids, layers.Dense(model_zoo.VOCABULARY, activation)(hidden)), scale=0.3
        )

    def test_padding_in_front_is_no_text(self):
        model = self.made()
        ids = np.array([[0, 0, 3, 4, 5], [6, 7, 8, 9, 10]])
        found = tfs.explain(model, ids, "gradient_norm", target=tfs.targets.Span())
        likely = tf.nn.log_softmax(model(ids)).numpy()
        by_hand = [likely[0, 2, 4] + likely[0, 3, 5],
                   sum(likely[1, i, i + 7] for i in range(4))]  # fmt: skip
        np.testing.assert_allclose(found.output, by_hand, rtol=1e-5)
        assert found.target_name[0] == "log P(4 5)"
        with pytest.raises(ValueError, match="lie among the real tokens.*2 to 5, in example 0"):
            tfs.explain(model, ids, target=tfs.targets.Span(start=1))

    def test_probabilities_are_not_squashed_twice(self):
        with pytest.raises(ValueError, match="`Span` takes logits.*probabilities already"):
            tfs.explain(self.made("softmax"), [[3, 4, 5]], target=tfs.targets.Span())

    @pytest.mark.parametrize("names", [("source", "target"), ("source", "decoder_ids")])
    def test_whose_tokens_are_predicted_is_no_guess(self, names):
        read, said = (model_zoo.ids_input(name) for name in names)
        state = layers.GRU(6)(model_zoo.table("first", mask_zero=True)(read))
        hidden = model_zoo.table("second", mask_zero=True)(said)
        hidden = layers.GRU(6, return_sequences=True)(hidden, initial_state=state)
        model = keras.Model([read, said], layers.Dense(model_zoo.VOCABULARY)(hidden))
        inputs = (np.array([[3, 4, 5]]), np.array([[6, 7, 8]]))
        span = tfs.targets.Span(start=-1)
        for tables in ("first", ["first", "second"]):
            if tables != "first" and names[1] == "decoder_ids":
                found = tfs.explain(model, inputs, target=span, embeddings=tables)
                assert found.target_name == ["log P(8)"]
                continue
            with pytest.raises(ValueError, match="not known which of its inputs"):
                tfs.explain(model, inputs, target=span, embeddings=tables)


class TestNumbersOfOtherKinds:
    def test_int8(self):
        """Activations are rounded, so the target is a stair: the delta says so."""
        model = model_zoo.build("attention_with_masks")
        plain = tfs.explain(model, helpers.ids(), "gradient_dot_input").scores
        for layer in model._flatten_layers(include_self=False):
            if isinstance(layer, layers.Embedding | layers.Dense):
                layer.quantize("int8")
        found = tfs.explain(model, helpers.ids(), tfs.IntegratedGradients(tolerance=0.1))
        assert found.converged.all()
        scores = tfs.explain(model, helpers.ids(), "gradient_dot_input").scores
        assert np.corrcoef(plain.ravel(), scores.ravel())[0, 1] > 0.98
        np.testing.assert_allclose(found.output, model(helpers.ids()).numpy().max(1), rtol=1e-5)

    def test_mixed_bfloat16(self):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            model = model_zoo.build("attention_with_masks")
        finally:
            keras.config.set_dtype_policy("float32")
        method = tfs.IntegratedGradients(tolerance=0.05)
        half = tfs.explain(model, helpers.ids(), method, target=0)
        assert half.converged.all()
        full = tfs.explain(model_zoo.build("attention_with_masks"), helpers.ids(), method, target=0)
        assert np.corrcoef(half.scores.ravel(), full.scores.ravel())[0, 1] > 0.99


class TestInputs:
    def test_ragged(self):
        model = model_zoo.build("attention_with_masks")
        rows = [row[row > 0].tolist() for row in helpers.ids()]
        found = tfs.explain(model, tf.ragged.constant(rows), "gradient_norm")
        expected = tfs.explain(model, helpers.ids(), "gradient_norm")
        np.testing.assert_array_equal(found.scores, expected.scores)
        with pytest.raises(ValueError, match=r"Pad it: `inputs.to_tensor\(7\)`"):
            tfs.explain(model, tf.ragged.constant(rows), pad_id=7)

    def test_a_model_of_ragged_tensors(self):
        ids = layers.Input((None,), dtype="int32", ragged=True)
        model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(model_zoo.table()(ids)))
        with pytest.raises(ValueError, match="takes ragged tensors, in which no token is padding"):
            tfs.explain(model, tf.ragged.constant([[1, 2], [3]]))

    @pytest.mark.parametrize("labelled", [True, False])
    def test_data_sets(self, labelled):
        model = model_zoo.build("attention_with_masks")
        labels = np.arange(6) % 3
        parts = (helpers.ids(), labels) if labelled else helpers.ids()
        data = tf.data.Dataset.from_tensor_slices(parts).batch(4)
        target = "label" if labelled else "predicted"
        found = tfs.explain(model, data, "gradient_norm", target=target)
        expected = tfs.explain(model, helpers.ids(), "gradient_norm", target=target, labels=labels)
        np.testing.assert_array_equal(found.scores, expected.scores)
        np.testing.assert_array_equal(found.target, expected.target)

    def test_labels_of_a_data_set_by_name(self):
        model, names = model_zoo.build("attention_with_masks"), ["a", "b", "c"]
        labels = np.array(names)[np.arange(6) % 3]
        data = tf.data.Dataset.from_tensor_slices((helpers.ids(), labels)).batch(4)
        asked = {"target": "label", "class_names": names}
        found = tfs.explain(model, data, "gradient_norm", **asked)
        assert found.target.tolist() == [0, 1, 2, 0, 1, 2]

    @pytest.mark.parametrize(
        ("data", "error", "message"),
        [
            (lambda data: data.batch(4).repeat(), ValueError, r"`inputs.take\(batches\)`"),
            (lambda data: data.take(0).batch(4), ValueError, "an empty data set"),
            (lambda data: data.map(lambda x: x[0]), TypeError, r"`inputs.batch\(32\)`"),
        ],
    )
    def test_data_sets_that_do_not_fit(self, data, error, message):
        made = data(tf.data.Dataset.from_tensor_slices(helpers.ids()))
        with pytest.raises(error, match=message):
            tfs.explain(model_zoo.build("attention_with_masks"), made)


class TestNoModel:
    def test_a_saved_model(self, tmp_path):
        model = model_zoo.build("attention_with_masks")
        model.export(tmp_path / "m", verbose=False)
        with pytest.raises(TypeError, match=r"A SavedModel has no layers.*`.keras` file"):
            tfs.Explainer(tf.saved_model.load(str(tmp_path / "m")))
        layer = layers.TFSMLayer(str(tmp_path / "m"), call_endpoint="serve")
        with pytest.raises(TypeError, match="A SavedModel has no layers"):
            tfs.Explainer(layer)
        ids = model_zoo.ids_input()
        with pytest.raises(ValueError, match=r"A SavedModel has no layers(.|\n)*TFSMLayer"):
            tfs.Explainer(keras.Model(ids, layer(ids)))

    def test_a_model_of_keras_2(self):
        class Model:
            """Has no more of Keras 2 than its home, which is all that is looked at."""

        Model.__module__ = "tf_keras.src.engine.training"
        with pytest.raises(TypeError, match=r"of Keras 2 \(tf_keras\): make it again with Keras 3"):
            tfs.Explainer(Model())

    def test_a_bag_of_words(self):
        text = layers.Input((), dtype="string")
        counts = layers.TextVectorization(output_mode="multi_hot", vocabulary=helpers.WORDS)(text)
        with pytest.raises(ValueError, match="nor another layer that turns ids into vectors"):
            tfs.Explainer(model_zoo.classified(text, counts))
