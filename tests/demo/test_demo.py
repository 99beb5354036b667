import io
import random
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tf_salience.data import LabelledTexts, load_tfds
from tf_salience.demo import DemoOptions, grammar, make_sentences

REVIEWS = Path(__file__).parents[3] / "shared" / "data" / "movie_reviews.tsv"
NEGATIONS = {"not", "never", "hardly", "longer"}
SAID = [
    {word for topic in grammar._TOPICS for word in topic.adjectives[polarity]}
    | set(grammar._SHARED_ADJECTIVES[polarity])
    | {form for forms in grammar._VERBS[polarity] for form in forms}
    for polarity in (grammar.NEGATIVE, grammar.POSITIVE)
]


@given(st.integers(0, 10_000))
def test_the_gold_words_of_a_clause_give_its_label(seed):
    """A reader of the gold words alone, who knows that negation flips, finds the label."""
    sentence = grammar.make_sentence(random.Random(seed))
    words = sentence.text.split(" ")
    assert sentence.text == " ".join(words) == sentence.text.lower()
    assert len(words) == len(sentence.gold)
    negated, read = False, []
    for word, gold in zip(words, sentence.gold, strict=True):
        if gold and word in NEGATIONS:
            negated = True
        elif gold and word != "no":
            assert word in SAID[0] | SAID[1]
            read.append((word in SAID[grammar.POSITIVE]) != negated)
            negated = False
    assert read
    assert set(read) == {bool(sentence.label)}


@given(st.integers(0, 10_000))
def test_of_two_clauses_the_right_one_is_gold(seed):
    sentence = grammar.make_sentence(random.Random(seed))
    words = sentence.text.split()
    gold = [place for place, flag in enumerate(sentence.gold) if flag]
    if "but" in words:
        assert min(gold) > words.index("but")
    if "although" in words and min(gold) < words.index("although"):
        assert max(gold) < words.index("although")


def test_sentences_repeat_with_the_seed_and_never_within_a_list():
    sentences = make_sentences(2000, seed=3)
    assert sentences == make_sentences(2000, seed=3)
    assert sentences != make_sentences(2000, seed=4)
    assert len({sentence.text for sentence in sentences}) == 2000
    assert len({word for sentence in sentences for word in sentence.text.split()}) > 150
    assert 0.45 < np.mean([sentence.label for sentence in sentences]) < 0.55
    with pytest.raises(ValueError, match="count=-1"):
        make_sentences(-1, seed=0)


def test_no_single_word_gives_the_label_away():
    sentences = make_sentences(6000, seed=1)
    labels = np.array([sentence.label for sentence in sentences])
    has = {}
    for row, sentence in enumerate(sentences):
        for word in sentence.text.split():
            has.setdefault(word, np.zeros(len(sentences), bool))[row] = True
    for word, rows in has.items():
        if rows.sum() >= 100:
            assert 0.2 < labels[rows].mean() < 0.8, word


def test_a_bag_of_words_does_not_solve_it():
    sentences = make_sentences(4000, seed=2)
    words = sorted({word for sentence in sentences for word in sentence.text.split()})
    column = {word: place for place, word in enumerate(words)}
    bags = np.zeros((len(sentences), len(words) + 1))
    bags[:, -1] = 1.0
    for row, sentence in enumerate(sentences):
        for word in sentence.text.split():
            bags[row, column[word]] = 1.0
    signs = np.array([2.0 * sentence.label - 1.0 for sentence in sentences])
    train, test = slice(0, 3500), slice(3500, None)
    # Ridge regression: the best linear reading of the words in closed form.
    gram = bags[train].T @ bags[train] + 10.0 * np.eye(bags.shape[1])
    weights = np.linalg.solve(gram, bags[train].T @ signs[train])
    accuracy = np.mean(np.sign(bags[test] @ weights) == signs[test])
    assert accuracy < 0.75


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    from tf_salience.demo.dataset import load_demo

    folder = tmp_path_factory.mktemp("tfds")
    return folder, load_demo(folder)


def test_the_data_set_is_a_tfds_data_set(prepared, capfd):
    folder, (train, test) = prepared
    assert (len(train.data), len(test.data)) == (6000, 600)
    assert not set(train.data.texts) & set(test.data.texts)
    made = {sentence.text: sentence for sentence in make_sentences(6600, seed=20261123)}
    for text, label, gold in zip(test.data.texts, test.data.labels, test.gold, strict=True):
        assert made[text].label == label
        assert made[text].gold == tuple(gold.tolist())
    again = load_tfds("salience_demo", data_dir=folder, split="test")
    assert (again.texts, again.class_names) == (test.data.texts, ("negative", "positive"))
    assert again.labels.tolist() == test.data.labels.tolist()
    with pytest.raises(ValueError, match=r"gold \(Sequence\)"):
        load_tfds("salience_demo", data_dir=folder, text_feature="words")


def _small_model(texts, **options):
    from tf_salience.demo.model import text_classifier, word_vectorizer

    return text_classifier(
        word_vectorizer(texts, max_tokens=16), dim=16, heads=2, blocks=1, **options
    )


def _learnable():
    """Texts that one word decides, so that a tiny model learns them in seconds."""
    rng = random.Random(0)
    texts, labels = [], []
    for _ in range(400):
        label = rng.randrange(2)
        texts.append(f"the {rng.choice(['soup', 'film', 'room'])} was {('bad', 'good')[label]}")
        labels.append(label)
    return LabelledTexts(texts, np.array(labels))


@pytest.fixture(scope="module")
def trained():
    import keras

    from tf_salience.demo.model import train

    keras.utils.set_random_seed(0)
    data = _learnable()
    model = _small_model(data.texts)
    epochs = []
    train(
        model,
        data.take(range(300)),
        validation=data.take(range(300, 400)),
        epochs=12,
        patience=4,
        learning_rate=1e-2,
        on_epoch=lambda epoch, logs: epochs.append((epoch, logs["val_accuracy"])),
    )
    return model, epochs


def test_training_reports_each_epoch_and_stops_early(trained):
    _, epochs = trained
    assert [epoch for epoch, _ in epochs] == list(range(1, len(epochs) + 1))
    assert max(accuracy for _, accuracy in epochs) == 1.0
    assert len(epochs) < 12, "stopped once the accuracy got no better"


def test_padding_does_not_change_the_output(trained):
    from tf_salience.demo.model import probabilities, token_ids

    model, _ = trained
    ids = token_ids(model, ["the soup was good", "bad"])
    assert ids.shape == (2, 4)
    padded = np.pad(ids, ((0, 0), (0, 7)))
    np.testing.assert_allclose(probabilities(model, padded), probabilities(model, ids), atol=1e-6)


def test_word_order_reaches_the_output(trained):
    from tf_salience.demo.model import probabilities, token_ids

    model, _ = trained
    ids = token_ids(model, ["the soup was good"])
    assert np.abs(probabilities(model, ids[:, ::-1]) - probabilities(model, ids)).max() > 1e-6


def test_a_text_of_punctuation_has_a_finite_output(trained):
    model, _ = trained
    logits = np.asarray(model(np.array(["...", ""], dtype=object)))
    assert np.isfinite(logits).all()


def test_the_saved_model_loads_without_this_package(trained, tmp_path):
    import subprocess
    import sys

    model, _ = trained
    model.save(tmp_path / "m.keras")
    code = (
        "import sys, keras, numpy as np\n"
        f"model = keras.models.load_model({str(tmp_path / 'm.keras')!r}, compile=False)\n"
        "print(*np.asarray(model(np.array(['the soup was good'], dtype=object)))[0])\n"
        "assert not any(name.startswith('tf_salience') for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    logits = np.asarray(model(np.array(["the soup was good"], dtype=object)))[0]
    np.testing.assert_allclose([float(x) for x in done.stdout.split()], logits, atol=1e-5)


def test_a_contraction_stays_one_word():
    from tf_salience.demo.model import word_vectorizer

    vectorizer = word_vectorizer(["It isn't good!"], max_words=100)
    assert set(vectorizer.get_vocabulary()[2:]) == {"it", "isnt", "good"}


def test_removal_finds_the_word_that_decides(trained):
    from tf_salience.demo.measure import Removal

    model, _ = trained
    texts = ["the soup was good", "the film was bad", "good"]
    gold = [np.array([False] * 3 + [True])] * 2 + [np.array([True])]
    removal = Removal(model, texts, gold)
    last = removal.row("last", [np.arange(4.0), np.arange(4.0), np.ones(1)], 1.5)
    first = removal.row("first", [-np.arange(4.0), -np.arange(4.0), np.ones(1)])
    assert (last.gold, last.seconds) == (1.0, 1.5)
    assert first.gold == pytest.approx(1 / 3)
    assert last.fall > first.fall
    chance = removal.random_row(seed=0)
    assert 1 / 3 < chance.gold < 1
    assert first.fall < chance.fall < last.fall
    assert Removal(model, texts, None).random_row(seed=0).gold is None


def test_the_whole_demo_on_a_file(tmp_path):
    from tf_salience.demo.run import METHODS, run_demo

    data = _learnable()
    path = tmp_path / "soup.csv"
    rows = [f"{text},{label}" for text, label in zip(data.texts, data.labels, strict=True)]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    console = Console(record=True, width=300, force_terminal=False, file=io.StringIO())
    options = DemoOptions(data=str(path), explain=20, epochs=2, save=str(tmp_path / "m.keras"))
    result = run_demo(options, console)
    text = console.export_text()
    assert [row.name for row in result.rows] == [*METHODS, "random"]
    assert (tmp_path / "m.keras").is_file()
    assert all(len(explanation) == 20 for explanation in result.explanations.values())
    for part in ("360 to train on, 40 held out", "integrated_gradients", "converged", "soup"):
        assert part in text
    assert "gold" not in text, "nobody marked the words of a file"


def test_the_whole_demo_on_its_own_data(prepared, tmp_path):
    from tf_salience.cli.served import export_and_ask
    from tf_salience.demo.run import run_demo

    folder, _ = prepared
    console = Console(record=True, width=300, force_terminal=False, file=io.StringIO())
    picture = tmp_path / "demo.svg"
    options = DemoOptions(
        data_dir=str(folder), explain=12, epochs=1, max_texts=200, picture=str(picture)
    )
    result = run_demo(options, console)
    assert all(0 <= row.gold <= 1 for row in result.rows)
    assert "top word is gold" in console.export_text()
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    # What the command adds: the model as a file, asked the same sentence.
    export_and_ask(result, tmp_path / "served", console)
    (agreement,) = re.findall(r"The live model's scores, to (\S+)\.", console.export_text())
    assert float(agreement) < 1e-5
    assert (tmp_path / "served" / "saved_model.pb").is_file()


@pytest.mark.skipif(not REVIEWS.is_file(), reason="the real reviews are not at ../shared/data")
def test_real_reviews_are_cut_to_max_texts():
    from tf_salience.demo.task import load_task

    task = load_task(DemoOptions(data=str(REVIEWS), max_texts=500))
    assert (len(task.train), len(task.test), task.gold) == (500, 1060, None)
    assert not set(task.train.texts) & set(task.test.texts) - {""}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"data": "a.csv", "tfds": "b"}, ValueError, "not both"),
        ({"explain": 0}, ValueError, "explain=0"),
        ({"epochs": -1}, ValueError, "epochs=-1"),
        ({"save": "m.h5"}, ValueError, r"end in \.keras"),
        ({"picture": "m.gif"}, ValueError, r"\.png or \.svg"),
        ({"save": "no/such/folder/m.keras"}, FileNotFoundError, "no directory"),
    ],
)
def test_options_that_cannot_be_are_said_before_any_work(options, error, message):
    with pytest.raises(error, match=message):
        DemoOptions(**options)


@pytest.mark.parametrize("content", ["text\nx\ny\n", "text,label\nx,1\ny,1\n"])
def test_data_without_two_classes(tmp_path, content):
    from tf_salience.demo.task import load_task

    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="labels of at least two classes"):
        load_task(DemoOptions(data=str(path)))


def test_shown_tokens_keep_their_gold_underlined():
    from types import SimpleNamespace

    from rich.text import Text

    from tf_salience.demo import show

    one = SimpleNamespace(
        tokens=["not", "so", "good"],
        scores=np.array([1.0, 0.0, -1.0]),
        __rich__=lambda: Text("not so good"),
    )
    gold = np.array([True, False, True])
    spans = show._colored(one, gold).spans
    assert [(span.start, span.end) for span in spans] == [(0, 3), (7, 11)]
    assert all(before.end < after.start for before, after in pairwise(spans))
    assert show._plain(one, gold).plain == "_not_(+1) so(+0) _good_(-1)"
