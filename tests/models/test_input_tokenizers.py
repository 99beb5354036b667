"""Inputs with vocabularies of their own: words are those that the ids were made of, or none."""

import helpers
import keras
import numpy as np
import pytest
import serving
from keras import layers

import tf_salience as tfs
from tf_salience.export import signatures
from tf_salience.models.text_model import TextModel

TEXTS = {"english": ["the dog sleeps", "a cat"], "spanish": ["el perro", "un gato duerme"]}


def vectorizer(texts, **keywords):
    layer = layers.TextVectorization(output_sequence_length=4, **keywords)
    layer.adapt(texts)
    return layer


@pytest.fixture(scope="module")
def tokenizers():
    return {name: vectorizer(texts) for name, texts in TEXTS.items()}


def pooled(table, ids):
    return layers.GlobalAveragePooling1D()(table(ids))


def two_tables(names=("english", "spanish"), structure=list):
    """A model of two texts, each with a table of its own."""
    keras.utils.set_random_seed(2)
    inputs = [keras.Input((4,), dtype="int32", name=name) for name in names]
    tables = [layers.Embedding(9, 4, mask_zero=True, name=f"table_{n}") for n in range(2)]
    vectors = [pooled(table, ids) for table, ids in zip(tables, inputs, strict=True)]
    outputs = layers.Dense(2)(layers.Concatenate()(vectors))
    keyed = dict(zip(("left", "right"), inputs, strict=True))
    return keras.Model(keyed if structure is dict else inputs, outputs)


BOTH = {"method": "gradient_norm", "embeddings": ["table_0", "table_1"]}


def ids_of(tokenizers, keys=("english", "spanish")):
    columns = [tokenizers[name](TEXTS[name]).numpy() for name in TEXTS]
    return dict(zip(keys, columns, strict=True))


def words(explanation):
    """The real tokens of each example, by segment."""
    return [
        {name: row.tokens[columns] for name, columns in row.segments.items()} for row in explanation
    ]


SPLIT = [
    {"english": ["the", "dog", "sleeps"], "spanish": ["el", "perro"]},
    {"english": ["a", "cat"], "spanish": ["un", "gato", "duerme"]},
]


class TestADictOfTokenizers:
    def test_ids_are_read_each_by_its_own(self, tokenizers):
        explanation = tfs.explain(two_tables(), ids_of(tokenizers), tokenizer=tokenizers, **BOTH)
        assert words(explanation) == SPLIT

    def test_texts_are_encoded_each_by_its_own(self, tokenizers):
        model = two_tables()
        explainer = tfs.Explainer(model, tokenizer=tokenizers, **BOTH)
        of_texts = explainer(TEXTS)
        np.testing.assert_array_equal(of_texts.scores, explainer(ids_of(tokenizers)).scores)
        assert words(of_texts) == SPLIT
        # "the dog sleeps" and "el perro"
        assert of_texts[0].offsets == [(0, 3), (4, 7), (8, 14), (0, 2), (3, 8)]

    def test_vocabularies_layers_and_numbers_side_by_side(self, tokenizers):
        vocabulary = tokenizers["english"].get_vocabulary()
        explanation = tfs.explain(
            two_tables(), ids_of(tokenizers), tokenizer={"english": vocabulary}, **BOTH
        )
        assert words(explanation)[0]["english"] == SPLIT[0]["english"]
        ids = tokenizers["spanish"](TEXTS["spanish"]).numpy()
        assert words(explanation)[0]["spanish"] == [str(token_id) for token_id in ids[0, :2]]

    @pytest.mark.parametrize("keys", [("left", "right"), ("english", "spanish")])
    def test_by_the_keys_of_the_users_dict_or_the_names_of_the_inputs(self, tokenizers, keys):
        named = dict(zip(keys, tokenizers.values(), strict=True))
        inputs = ids_of(tokenizers, ("left", "right"))
        explanation = tfs.explain(two_tables(structure=dict), inputs, tokenizer=named, **BOTH)
        split = [list(row.values()) for row in words(explanation)]
        assert split == [list(row.values()) for row in SPLIT]

    @pytest.mark.parametrize("keys", [("table_0", "table_1"), ("0", "1")])
    def test_by_segments_or_numbers_where_the_inputs_have_no_names(self, tokenizers, keys):
        named = dict(zip(keys, tokenizers.values(), strict=True))
        inputs = tuple(ids_of(tokenizers).values())
        explanation = tfs.explain(two_tables((None, None)), inputs, tokenizer=named, **BOTH)
        split = [list(row.values()) for row in words(explanation)]
        assert split == [list(row.values()) for row in SPLIT]

    def test_a_name_that_is_none_is_refused(self, tokenizers):
        with pytest.raises(ValueError, match="'spansih' is not one of .*'english', 'spanish'"):
            tfs.explain(
                two_tables(),
                ids_of(tokenizers),
                tokenizer={"english": tokenizers["english"], "spansih": tokenizers["spanish"]},
                **BOTH,
            )

    def test_texts_without_a_tokenizer_are_named(self, tokenizers):
        explainer = tfs.Explainer(
            two_tables(), tokenizer={"english": tokenizers["english"]}, **BOTH
        )
        with pytest.raises(TypeError, match="turns texts into ids for 'spanish'"):
            explainer(TEXTS)

    def test_padding_is_told_by_each(self):
        vocabularies = {"english": ["[PAD]", *"abcdefgh"], "spanish": [*"hgfedcba", "[PAD]"]}
        ids = {"english": np.array([[1, 2, 0, 0]]), "spanish": np.array([[0, 1, 2, 8]])}
        names = [keras.Input((4,), dtype="int32", name=name) for name in ids]
        vectors = [pooled(layers.Embedding(9, 4, name=f"t{n}"), x) for n, x in enumerate(names)]
        model = keras.Model(names, layers.Dense(2)(layers.Concatenate()(vectors)))
        arguments = {"method": "gradient_norm", "embeddings": ["t0", "t1"]}
        explanation = tfs.explain(model, ids, tokenizer=vocabularies, **arguments)
        assert words(explanation) == [{"english": ["a", "b"], "spanish": ["h", "g", "f"]}]
        explanation = tfs.explain(model, ids, tokenizer=vocabularies, pad_id=1, **arguments)
        assert words(explanation)[0]["spanish"] == ["h", "f", "[PAD]"]

    def test_a_text_that_is_cut_is_warned_of(self, tokenizers):
        explainer = tfs.Explainer(two_tables(), tokenizer=tokenizers, **BOTH)
        with pytest.warns(tfs.TruncatedTextWarning, match="example 1 is longer .up to 5"):
            explainer({"english": ["the dog", "a cat"], "spanish": ["el perro", "el el el el el"]})

    def test_unknown_words_are_those_of_each(self, tokenizers):
        explainer = tfs.Explainer(two_tables(), tokenizer=tokenizers, **BOTH)
        with pytest.warns(tfs.UnknownTokensWarning, match="example 1"):
            explainer({"english": ["dog", "perro"], "spanish": ["perro", "dog"]})

    def test_a_baseline_is_a_token_of_each(self, tokenizers):
        def explain(baseline):
            method = tfs.IntegratedGradients(steps=4, baseline=baseline)
            return tfs.explain(
                two_tables(), TEXTS, method, tokenizer=tokenizers, embeddings=BOTH["embeddings"]
            )

        np.testing.assert_array_equal(explain("[UNK]").scores, explain(1).scores)
        with pytest.raises(ValueError, match="known vocabulary of 'spanish'.*baseline='dog'"):
            explain("dog")

    def test_what_is_no_tokenizer_of_an_input(self, tokenizers):
        with pytest.raises(TypeError, match="`tokenizer` must be.*Received: tokenizer='words'"):
            tfs.Explainer(two_tables(), tokenizer={"english": "words"}, **BOTH)
        with pytest.raises(TypeError, match="names of inputs. Received: the key None"):
            tfs.Explainer(two_tables(), tokenizer={None: tokenizers["english"]}, **BOTH)

    def test_the_callback_logs_the_words_of_each(self, tokenizers, tmp_path):
        model = two_tables()
        model.compile("sgd", "mse")
        logger = tfs.SalienceLogger(tmp_path, TEXTS, tokenizer=tokenizers, **BOTH)
        model.fit(ids_of(tokenizers), np.zeros((2, 2)), verbose=0, callbacks=[logger])
        records = tfs.read_log(tmp_path)[-2:]
        assert [record["tokens"] for record in records] == [
            row["english"] + row["spanish"] for row in SPLIT
        ]

    def test_inspect_tells_of_each(self, tokenizers, capsys):
        tfs.inspect(two_tables(), tokenizer=tokenizers, embeddings=BOTH["embeddings"])
        assert "spanish" in capsys.readouterr().out


class TestOneTokenizer:
    """It is taken for all inputs only where they share an embedding."""

    def test_tables_of_their_own_need_tokenizers_of_their_own(self, tokenizers, tmp_path):
        english = tokenizers["english"]
        message = r"embeddings of their own, 'table_0' and 'table_1'.*`tokenizer=\{'english': "
        with pytest.raises(ValueError, match=message):
            tfs.explain(two_tables(), ids_of(tokenizers), tokenizer=english, **BOTH)
        with pytest.raises(ValueError, match=message):
            tfs.export_saved_model(two_tables(), tmp_path / "m", tokenizer=english, **BOTH)
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(ValueError, match=message):
            tfs.inspect(two_tables(), tokenizer=english, embeddings=BOTH["embeddings"])

    def test_it_may_be_named_for_both(self, tokenizers):
        english = tokenizers["english"]
        inputs = {name: english(TEXTS["english"]) for name in TEXTS}
        both = tfs.explain(
            two_tables(), inputs, tokenizer={"english": english, "spanish": english}, **BOTH
        )
        assert words(both)[0]["english"] == words(both)[0]["spanish"] == ["the", "dog", "sleeps"]

    def test_one_table_of_two_inputs(self):
        explanation = tfs.explain(
            helpers.weights_alive(helpers.two_segments()),
            {"premise": ["w1 w2"], "hypothesis": ["w3"]},
            "gradient_norm",
            tokenizer=helpers.vectorizer(),
        )
        assert words(explanation) == [{"premise": ["w1", "w2"], "hypothesis": ["w3"]}]

    def test_two_tables_of_one_input(self):
        ids = keras.Input((4,), dtype="int32", name="ids")
        vectors = [pooled(layers.Embedding(9, 4, name=name), ids) for name in ("a", "b")]
        model = keras.Model(ids, layers.Dense(2)(layers.Add()(vectors)))
        explanation = tfs.explain(
            model, [[1, 2, 0, 3]], "gradient_norm", embeddings=["a", "b"], tokenizer=["", *"xyz"]
        )
        assert words(explanation) == [{"ids": ["x", "y", "z"], "ids_1": ["x", "y", "z"]}]

    def test_a_tokenizer_that_makes_ids_beyond_the_table(self):
        words = vectorizer(["a b c d e f g h i j"])
        model = helpers.formula_model(lambda x: keras.ops.sum(x, axis=1), np.ones((5, 1)))
        with pytest.raises(ValueError, match="vocabulary of 12, more than the 5 rows"):
            tfs.explain(model, ["j"], "gradient_norm", tokenizer=words)


class TestVectorizersInsideTheModel:
    def model(self, second_is_text=True):
        """Texts, each with a vectorizer and a table of its own; or ids for the second."""
        keras.utils.set_random_seed(2)
        own = {name: vectorizer(texts, name=f"split_{name}") for name, texts in TEXTS.items()}
        kinds = {"english": ((), "string"), "spanish": ((), "string")}
        if not second_is_text:
            kinds["spanish"] = ((4,), "int32")
        inputs = {
            name: keras.Input(shape, dtype=dtype, name=name)
            for name, (shape, dtype) in kinds.items()
        }
        ids = [own[n](x) if kinds[n][1] == "string" else x for n, x in inputs.items()]
        tables = [layers.Embedding(9, 4, mask_zero=True, name=f"table_{n}") for n in range(2)]
        vectors = [pooled(table, x) for table, x in zip(tables, ids, strict=True)]
        return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(vectors)))

    def test_each_shows_its_own_words(self):
        assert words(tfs.explain(self.model(), TEXTS, **BOTH)) == SPLIT

    def test_ids_that_it_has_not_made_are_numbers(self):
        inputs = {"english": TEXTS["english"], "spanish": np.array([[2, 3, 0, 0], [4, 5, 6, 0]])}
        explanation = tfs.explain(self.model(second_is_text=False), inputs, **BOTH)
        assert words(explanation)[0] == {"english": SPLIT[0]["english"], "spanish": ["2", "3"]}

    def test_another_vocabulary_is_refused(self, tokenizers):
        model = self.model(second_is_text=False)
        inputs = {"english": TEXTS["english"], "spanish": np.array([[2, 3, 0, 0], [4, 5, 6, 0]])}
        with pytest.raises(ValueError, match="'english' are made by .*'split_english'.*dict"):
            tfs.explain(model, inputs, tokenizer=tokenizers["spanish"], **BOTH)
        explanation = tfs.explain(
            model, inputs, tokenizer={"spanish": tokenizers["spanish"]}, **BOTH
        )
        assert words(explanation)[0]["english"] == SPLIT[0]["english"]
        expected = tokenizers["spanish"].get_vocabulary()[2:4]
        assert words(explanation)[0]["spanish"] == expected


class TestExport:
    def test_texts_of_each_and_their_words(self, tokenizers, tmp_path):
        model = two_tables()
        method = tfs.IntegratedGradients(steps=4)
        arguments = {"tokenizer": tokenizers, "embeddings": BOTH["embeddings"]}
        folder = tfs.export_saved_model(model, tmp_path / "m", method=method, **arguments)
        results = serving.request(serving.load(folder), **{n: list(t) for n, t in TEXTS.items()})
        live = tfs.explain(model, TEXTS, method, **arguments)
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-6)
        tokens = [[token.decode() for token in row if token] for row in results["tokens"]]
        assert tokens == live.tokens

    def test_a_vocabulary_beside_a_vectorizer_takes_ids(self, tokenizers):
        model = TextModel.from_arguments(
            two_tables(),
            embeddings=BOTH["embeddings"],
            tokenizer={**tokenizers, "spanish": tokenizers["spanish"].get_vocabulary()},
        )
        text_inputs = signatures.text_inputs(model, *signatures.trace(model, None))
        assert list(text_inputs) == [0]
