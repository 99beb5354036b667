"""The outputs of a model: the one that is explained, and the tokens to which outputs belong."""

import helpers
import keras
import model_zoo
import numpy as np
import pytest
from keras import layers

import tf_salience as tfs
from tf_salience.models import outputs as model_outputs
from tf_salience.models.embeddings.forward_pass import Segment

TOPIC, STARS = np.zeros((2, 3)), np.ones((2, 1))


class TestSelect:
    @pytest.mark.parametrize(
        ("outputs", "output", "names"),
        [
            ({"topic": TOPIC, "stars": STARS}, "stars", ()),
            ([TOPIC, STARS], 1, ()),
            ([TOPIC, STARS], "1", ()),
            ([TOPIC, STARS], "stars", ("topic", "stars")),
            ((TOPIC, STARS), np.int64(1), ()),
            ({"heads": {"a": TOPIC, "b": [STARS]}}, "heads/b/0", ()),
            (STARS, None, ()),
            (STARS, 0, ()),
            (STARS, "0", ()),
        ],
        ids=["key", "number", "digit", "name", "tuple", "path", "None", "only", "only by digit"],
    )
    def test_one_of_the_outputs(self, outputs, output, names):
        assert model_outputs.select(outputs, output, names) is STARS

    def test_a_nest_within_the_outputs(self):
        heads = {"a": TOPIC}
        assert model_outputs.select({"heads": heads, "rest": STARS}, "heads", ()) is heads

    @pytest.mark.parametrize(
        ("outputs", "output", "message"),
        [
            ({"topic": TOPIC, "stars": STARS}, "topics", "Did you mean 'topic'"),
            ([TOPIC, STARS], 2, "from 0 to 1. Received: output=2"),
            ([TOPIC, STARS], "x", r"one of \['0', '1', 'topic', 'stars'\]"),
            (STARS, 1, "from 0 to 0. Received: output=1"),
            ({"heads": {"a": TOPIC, "b": [STARS]}}, "heads/c", r"\['heads/a', 'heads/b/0'\]"),
        ],
        ids=["key", "number", "name", "only", "path"],
    )
    def test_an_output_that_the_model_has_not(self, outputs, output, message):
        with pytest.raises(ValueError, match=message):
            model_outputs.select(outputs, output, ("topic", "stars"))


class TestExplained:
    def test_by_name_and_by_number(self):
        model = model_zoo.build("head_of_a_list")
        by_name = tfs.explain(model, helpers.ids(), "gradient_norm", output="stars")
        by_number = tfs.explain(model, helpers.ids(), "gradient_norm", output=1)
        np.testing.assert_array_equal(by_name.scores, by_number.scores)
        assert by_name.config["output"] == "stars"
        np.testing.assert_allclose(by_name.output, model(helpers.ids())[1][:, 0], rtol=1e-5)

    def test_of_several_outputs_one_must_be_named(self):
        with pytest.raises(ValueError, match=r"with `output=`.*\['topic', 'stars'\]"):
            tfs.explain(model_zoo.build("head_of_a_dict"), helpers.ids())

    def test_in_a_nest(self):
        model = model_zoo.build("head_of_a_dict")
        outputs = model(model.input)
        nested = keras.Model(
            model.input, {"heads": {"a": outputs["topic"], "b": [outputs["stars"]]}}
        )
        explanation = tfs.explain(nested, helpers.ids(), "gradient_norm", output="heads/b/0")
        expected = tfs.explain(model, helpers.ids(), "gradient_norm", output="stars")
        np.testing.assert_array_equal(explanation.scores, expected.scores)

    def test_a_callable_gets_the_output(self):
        model = model_zoo.build("head_of_a_dict")
        explanation = tfs.explain(
            model, helpers.ids(), "gradient_norm", output="topic", target=lambda topic: topic[:, 1]
        )
        expected = tfs.explain(model, helpers.ids(), "gradient_norm", output="topic", target=1)
        np.testing.assert_array_equal(explanation.scores, expected.scores)


def segment(name="ids", source=0, mask=((True, False),)):
    ids = np.ones((1, 2), np.int64)
    embeddings = np.zeros((1, 2, 4))
    return Segment(None, source, ids, embeddings, np.array(mask), name=name)


class TestPredictedTokens:
    IDS = np.array([[5, 6]])

    def predicted(self, nest, segments):
        return model_outputs.predicted_tokens(helpers.Subclassed(), nest, segments)

    def test_of_a_single_segment(self):
        ids = segment()
        assert self.predicted(self.IDS, [ids]) is ids

    def test_of_several_segments_the_decoders(self):
        encoder, decoder = segment("encoder_token_ids"), segment("decoder_token_ids", source=1)
        assert self.predicted((self.IDS, self.IDS), [encoder, decoder]) is decoder

    def test_segments_that_agree_have_no_ids(self):
        predicted = self.predicted((self.IDS, self.IDS), [segment("a"), segment("b", source=1)])
        assert predicted.ids is None
        assert predicted.mask.tolist() == [[True, False]]

    def test_segments_that_differ(self):
        segments = [segment("a"), segment("b", source=1, mask=[[True, True]])]
        assert self.predicted((self.IDS, self.IDS), segments) is None

    def test_a_model_that_reads_other_ids(self):
        nest = {"ids": self.IDS, "other_ids": self.IDS}
        assert self.predicted(nest, [segment()]).ids is None
        nest = {"ids": self.IDS, "padding_mask": self.IDS}
        assert self.predicted(nest, [segment()]).ids is not None

    @pytest.mark.parametrize("names", [("source", "target"), ("source", "decoder_ids")])
    def test_whose_tokens_are_predicted_is_no_guess(self, names):
        source, target = (model_zoo.ids_input(name) for name in names)
        state = layers.GRU(6)(model_zoo.table("first", mask_zero=True)(source))
        hidden = model_zoo.table("second", mask_zero=True)(target)
        hidden = layers.GRU(6, return_sequences=True)(hidden, initial_state=state)
        model = keras.Model([source, target], layers.Dense(model_zoo.VOCABULARY)(hidden))
        inputs = (np.array([[3, 4, 5]]), np.array([[6, 7, 8]]))
        span = tfs.targets.Span(start=-1)
        for tables in ("first", ["first", "second"]):
            if tables != "first" and names[1] == "decoder_ids":
                explanation = tfs.explain(model, inputs, target=span, embeddings=tables)
                assert explanation.target_name == ["log P(8)"]
                continue
            with pytest.raises(ValueError, match="not known which input"):
                tfs.explain(model, inputs, target=span, embeddings=tables)
