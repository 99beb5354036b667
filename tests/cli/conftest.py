import pytest

from tf_salience.cli.main import main

TOKENS = ["", "[UNK]", "the", "soup", "was", "good", "bad"]


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A directory with a saved model of strings, its part of ids, and the vocabulary."""
    import keras

    keras.utils.set_random_seed(0)
    directory = tmp_path_factory.mktemp("models")
    ids = keras.Input((None,), dtype="int64")
    embedded = keras.layers.Embedding(len(TOKENS), 8, mask_zero=True, name="token_embedding")(ids)
    logits = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(embedded))
    classifier = keras.Model(ids, logits)
    text = keras.Input((), dtype="string")
    vectorizer = keras.layers.TextVectorization(vocabulary=TOKENS[2:])
    keras.Model(text, classifier(vectorizer(text))).save(directory / "text.keras")
    classifier.save(directory / "ids.keras")
    (directory / "vocabulary.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    return directory


@pytest.fixture
def run(capsys):
    """Runs the command; returns its exit code, standard output and standard error."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run
