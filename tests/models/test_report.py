"""`inspect`: its text is true, and the call that it prints runs."""

import re
import textwrap

import helpers
import keras
import model_zoo
import numpy as np
import pytest
from keras import layers

import tf_salience as tfs
from tf_salience.models.report import report


def run(printed, model, inputs):
    """Runs the printed call, with the inputs under the names that it has for them."""
    namespace = {"model": model, **inputs}
    exec(textwrap.dedent(printed.partition("To explain it\n")[2]), namespace)
    return namespace["explanation"]


@pytest.mark.parametrize(
    ("build", "inputs", "lines"),
    [
        (
            lambda: model_zoo.build("category"),
            {"text": helpers.ids(), "genre": np.arange(6)[:, None] % 4},
            ["*  words", "one id an example: it gives (None, 1, 3)", "Segments: text.",
             "Padding: masked by Keras.", 'target="predicted"', "targets.Margin(0, 1)"],
        ),
        (
            lambda: model_zoo.build("characters_and_words"),
            model_zoo.words_and_characters(),
            ["it is in a TimeDistributed", "*  word_table"],
        ),
        (
            lambda: model_zoo.build("head_of_a_dict"),
            {"ids": helpers.ids()},
            ["topic: float32 (None, 3)", "output='stars'", "Explainer(model, output='"],
        ),
        (
            lambda: model_zoo.build("tagger"),
            {"ids": helpers.ids()},
            ["float32 (None, None, 4)", "target=tfs.targets.Position(0)"],
        ),
        (
            lambda: model_zoo.build("shared_weights"),
            {"ids": helpers.ids()[:3]},
            ["*  shared", "tfs.targets.Span(start=-1)"],
        ),
        (
            lambda: model_zoo.build("own_table"),
            {"ids": helpers.ids()},
            ["*  own   ?", "no mask was seen", "Ids are shown as numbers"],
        ),
        (
            lambda: model_zoo.build("one_sigmoid"),
            {"ids": helpers.ids()},
            ['target="predicted"  (the unit itself)'],
        ),
        (
            helpers.text_model,
            {},
            ["Texts go in as they are.", "a vocabulary of 30", 'explainer(["a text", "another"])'],
        ),
        (
            helpers.functional_with_mask,
            {"token_ids": helpers.ids(), "padding_mask": (helpers.ids() != 0) * 1},
            ["masked by the input padding_mask", "explainer((token_ids, padding_mask))"],
        ),
    ],
    ids=["category", "characters", "heads", "tagger", "language model", "own table", "sigmoid",
         "text", "mask"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::tf_salience.UnknownTokensWarning")
def test_every_line_and_the_call(build, inputs, lines, capsys):
    model = build()
    tfs.inspect(model)
    printed = capsys.readouterr().out
    assert printed == report(model) + "\n"
    assert printed.startswith(f"Model {model.name!r} ({type(model).__name__})\n\nInputs\n")
    for line in lines:
        assert line in printed
    assert len(run(printed, model, inputs)) > 1
    capsys.readouterr()


def test_a_model_without_symbolic_inputs():
    model = helpers.Subclassed()
    model(helpers.ids())
    printed = report(model)
    assert re.search(r"^ +position_embedding +10 +\(10, 8\) +its ids are no inputs$", printed, re.M)
    assert len(run(printed, model, {"inputs": helpers.ids()})) == 6


def test_a_model_that_tells_nothing_before_it_runs():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.words = model_zoo.table()
            self.head = layers.Dense(1)

        def call(self, inputs):
            return self.head(self.words(inputs["a"]) + self.words(inputs["b"]))[:, 0]

    model = Pair()
    model({"a": helpers.ids(), "b": helpers.ids()})
    printed = report(model)
    assert "not known: the model has no symbolic inputs" in printed
    assert "not known before the model is run" in printed
    assert "*  words  30          ?" in printed


def test_names_that_python_does_not_take():
    text, category = model_zoo.ids_input("my text"), model_zoo.ids_input("class", (1,))
    category_vectors = layers.Flatten()(layers.Embedding(3, 2)(category))
    text_vectors = layers.GlobalAveragePooling1D()(model_zoo.table()(text))
    hidden = layers.Concatenate()([text_vectors, category_vectors])
    model = keras.Model({"my text": text, "class": category}, layers.Dense(2)(hidden))
    printed = report(model)
    assert "explainer({'my text': my_text, 'class': class_})" in printed
    names = {"my_text": helpers.ids(), "class_": np.ones((6, 1), int)}
    assert len(run(printed, model, names)) == 6


def test_a_layer_that_the_user_must_name():
    ids = model_zoo.ids_input()
    hidden = layers.Add()([model_zoo.table("words")(ids), model_zoo.table("tags")(ids)])
    model = model_zoo.classified(ids, layers.GlobalAveragePooling1D()(hidden))
    assert "it cannot be told which embeds the tokens" in report(model)
    text, tags = model_zoo.ids_input("text"), model_zoo.ids_input("tags")
    hot = layers.Dense(8)(keras.ops.one_hot(text, model_zoo.VOCABULARY))
    hidden = layers.GlobalAveragePooling1D()(layers.Add()([hot, model_zoo.table("x")(tags)]))
    assert "reads the input 'text' by no embedding layer" in report(
        model_zoo.classified([text, tags], hidden)
    )
    named = report(model, embeddings=["words", "tags"])
    assert "*  words" in named
    assert "*  tags" in named
    assert "Segments: words, tags." in named


def test_no_model():
    with pytest.raises(TypeError, match="must be a keras.Model"):
        tfs.inspect("model")
    with pytest.raises(ValueError, match="must be built"):
        tfs.inspect(keras.Sequential([layers.Embedding(4, 2)]))
