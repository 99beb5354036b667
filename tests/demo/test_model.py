import subprocess
import sys

import numpy as np

from tf_salience.demo.model import probabilities, token_ids, word_vectorizer


def test_training_reports_each_epoch_and_stops_early(trained):
    _, epochs = trained
    assert [epoch for epoch, _ in epochs] == list(range(1, len(epochs) + 1))
    assert max(accuracy for _, accuracy in epochs) == 1.0
    assert len(epochs) < 12, "training stops once the accuracy no longer improves"


def test_padding_does_not_change_the_output(trained):
    model, _ = trained
    ids = token_ids(model, ["the soup was good", "bad"])
    assert ids.shape == (2, 4)
    padded = np.pad(ids, ((0, 0), (0, 7)))
    np.testing.assert_allclose(probabilities(model, padded), probabilities(model, ids), atol=1e-6)


def test_word_order_changes_the_output(trained):
    model, _ = trained
    ids = token_ids(model, ["the soup was good"])
    assert np.abs(probabilities(model, ids[:, ::-1]) - probabilities(model, ids)).max() > 1e-6


def test_a_text_of_punctuation_has_a_finite_output(trained):
    model, _ = trained
    logits = np.asarray(model(np.array(["...", ""], dtype=object)))
    assert np.isfinite(logits).all()


def test_the_saved_model_loads_without_this_package(trained, tmp_path):
    model, _ = trained
    model.save(tmp_path / "m.keras")
    code = (
        "import sys, keras, numpy as np\n"
        f"model = keras.models.load_model({str(tmp_path / 'm.keras')!r}, compile=False)\n"
        "print(*np.asarray(model(np.array(['the soup was good'], dtype=object)))[0])\n"
        "assert not any(name.startswith('tf_salience') for name in sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    logits = np.asarray(model(np.array(["the soup was good"], dtype=object)))[0]
    np.testing.assert_allclose([float(x) for x in process.stdout.split()], logits, atol=1e-5)


def test_a_contraction_stays_one_word():
    vectorizer = word_vectorizer(["It isn't good!"], max_words=100)
    assert set(vectorizer.get_vocabulary()[2:]) == {"it", "isnt", "good"}
