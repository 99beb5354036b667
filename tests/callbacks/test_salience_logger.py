import csv
import json
import random
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from test_summaries import events

import tf_salience as tfs
from tf_salience.callbacks import metrics, rankings
from tf_salience.callbacks.history import Column, History
from tf_salience.callbacks.probes import collect
from tf_salience.callbacks.tensorboard import Board
from tf_salience.models.embeddings import hook

IDS = helpers.ids(32, seed=3)
LABELS = np.random.default_rng(4).integers(0, helpers.CLASSES, 32)
PROBES = helpers.ids(4, seed=5)
MODES = {
    "plain": {},
    "jit_compile": {"jit_compile": True},
    "run_eagerly": {"run_eagerly": True},
    "steps_per_execution": {"steps_per_execution": 2},
}


def model(**options):
    """A convolution (which XLA takes) with dropout, compiled; the same weights every time."""
    keras.utils.set_random_seed(0)
    made = keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(helpers.VOCABULARY, 8),
            layers.Conv1D(6, 3, padding="same", activation="tanh"),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling1D(),
            layers.Dense(helpers.CLASSES, dtype="float32"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"], **options)
    return made


def fit(made, callbacks, **options):
    options = {"validation_data": (IDS, LABELS), "epochs": 3, "batch_size": 8, **options}
    return made.fit(IDS, LABELS, verbose=0, callbacks=callbacks, **options)


@pytest.mark.parametrize("mode", MODES)
class TestFit:
    def test_each_epoch_is_one_evaluation(self, tmp_path, mode):
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        history = fit(model(**MODES[mode]), [logger]).history
        records = tfs.read_log(tmp_path)
        assert [one["probe"] for one in records] == [0, 1, 2, 3] * 3
        assert [one["evaluation"] for one in records[::4]] == [0, 1, 2]
        assert [one["epoch"] for one in records[::4]] == [0, 1, 2]
        assert [one["step"] for one in records[::4]] == [4, 8, 12]
        assert len(history["val_salience_drift_spearman"]) == 3
        assert history["val_salience_entropy"][-1] == logger.scalars["entropy"]

    def test_what_is_logged_is_what_an_explainer_says(self, tmp_path, mode):
        made = model(**MODES[mode])
        fit(made, [tfs.SalienceLogger(tmp_path, PROBES)])
        expected = tfs.explain(made, PROBES, "gradient_dot_input")
        for record, salience in zip(tfs.read_log(tmp_path)[-4:], expected, strict=True):
            assert record["tokens"] == salience.tokens
            assert record["target"] == salience.target
            assert record["method"] == "gradient_dot_input"
            assert record["output"] == pytest.approx(salience.output, rel=1e-5)
            assert record["scores"] == pytest.approx(salience.scores.tolist(), rel=1e-4, abs=1e-6)

    @pytest.mark.parametrize("method", ["gradient_dot_input", "integrated_gradients"])
    def test_training_is_what_it_would_have_been(self, tmp_path, mode, method):
        found = []
        for callbacks in ([], [tfs.SalienceLogger(tmp_path, PROBES, method=method)]):
            made = model(**MODES[mode])
            losses = fit(made, callbacks, shuffle=True).history
            draws = [
                random.random(),
                np.random.random(),
                float(tf.random.uniform(())),
                float(ops.convert_to_numpy(keras.random.uniform(()))),
            ]
            found.append((losses, draws, made.get_weights(), made.optimizer.variables))
        (losses, draws, weights, state), (others, *same) = found
        assert losses == {key: value for key, value in others.items() if key in losses}
        assert draws == same[0]
        for one, other in zip(weights, same[1], strict=True):
            np.testing.assert_array_equal(one, other)
        for one, other in zip(state, same[2], strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())

    def test_no_cached_function_sees_the_hook(self, tmp_path, mode):
        made = model(**MODES[mode])
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        before = made.predict(IDS, verbose=0)
        fit(made, [logger, keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras"))])
        made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert hook._installed == {}
        after = made.predict(IDS, verbose=0)
        assert not np.allclose(before, after), "it has learnt something"
        np.testing.assert_allclose(after, made(IDS), rtol=1e-5, atol=1e-6)
        made.save(tmp_path / "last.keras")
        for name in ("3.keras", "last.keras"):
            reloaded = keras.models.load_model(tmp_path / name)
            np.testing.assert_allclose(reloaded(IDS), made(IDS), rtol=1e-6)


class TestWhenItRuns:
    def test_without_validation_at_the_end_of_an_epoch(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        history = fit(model(), [logger], validation_data=None).history
        assert len(tfs.read_log(tmp_path)) == 12
        assert len(history["val_salience_entropy"]) == 3

    def test_validation_every_other_epoch(self, tmp_path):
        fit(model(), [tfs.SalienceLogger(tmp_path, PROBES)], epochs=4, validation_freq=2)
        assert [one["epoch"] for one in tfs.read_log(tmp_path)[::4]] == [0, 1, 2, 3]

    def test_in_evaluate_alone(self, tmp_path):
        made, logger = model(), tfs.SalienceLogger(tmp_path, PROBES)
        for _ in range(2):
            made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        records = tfs.read_log(tmp_path)
        assert [(one["evaluation"], one["epoch"], one["step"]) for one in records[::4]] == [
            (0, None, 0),
            (1, None, 0),
        ]
        assert "drift_spearman" in logger.scalars
        assert logger.scalars["drift_spearman"] == pytest.approx(0, abs=1e-6)

    def test_every_so_many(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES, every=2)
        history = fit(model(), [logger], epochs=4).history
        assert [one["epoch"] for one in tfs.read_log(tmp_path)[::4]] == [0, 2]
        assert len(history["val_salience_entropy"]) == 2
        assert len(history["val_loss"]) == 4

    def test_a_resumed_run_goes_on(self, tmp_path):
        made = model()
        fit(made, [tfs.SalienceLogger(tmp_path, PROBES)], epochs=2)
        with (tmp_path / "salience.jsonl").open("a") as file:
            file.write('{"evaluation": 2, "epo')
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        with pytest.warns(tfs.DamagedLogWarning):
            fit(made, [logger], epochs=4, initial_epoch=2)
        with pytest.warns(tfs.DamagedLogWarning):
            records = tfs.read_log(tmp_path)
        assert [one["evaluation"] for one in records[::4]] == [0, 1, 2, 3]
        assert [one["step"] for one in records[::4]] == [4, 8, 12, 16]
        # The picture of a sentence has the columns of both runs.
        assert [column.step for column in logger._history.columns[0]] == [4, 8, 12, 16]

    def test_every_so_many_goes_on_when_each_process_trains_one_epoch(self, tmp_path):
        made = model()
        for epoch in range(3):
            logger = tfs.SalienceLogger(tmp_path, PROBES, every=2)
            fit(made, [logger], epochs=epoch + 1, initial_epoch=epoch)
        assert [one["epoch"] for one in tfs.read_log(tmp_path)[::4]] == [0, 1, 2]

    def test_after_an_interrupt(self, tmp_path):
        made, logger = model(), tfs.SalienceLogger(tmp_path, PROBES)

        class Interrupt(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(made, [logger, Interrupt()])
        made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert [one["epoch"] for one in tfs.read_log(tmp_path)[::4]] == [0, None]

    def test_another_model_after_the_first(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        first, second = model(), model()
        second.layers[0].set_weights([second.layers[0].get_weights()[0] * 3])
        for made in (first, second):
            made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        records = tfs.read_log(tmp_path)
        expected = tfs.explain(second, PROBES, "gradient_dot_input")
        assert records[-1]["scores"] == pytest.approx(expected[3].scores.tolist(), rel=1e-4)
        assert records[-1]["measures"]["drift_spearman"] is None

    def test_a_model_that_its_first_batch_builds(self, tmp_path):
        made = helpers.Subclassed()
        made.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        fit(made, [logger])
        assert len(tfs.read_log(tmp_path)) == 12

    def test_it_is_traced_once(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES, method="integrated_gradients")
        traces = []

        class Count(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                engine = logger._observer.explainer._engine
                traces.append((engine.traces, engine._target.traces))

        fit(model(), [logger, Count()], epochs=4)
        assert len(set(traces)) == 1
        assert min(traces[0]) > 0


class TestOtherCallbacks:
    def test_early_stopping_checkpoints_and_csv_after_it(self, tmp_path):
        key = "val_salience_rationale_share"
        stopping = keras.callbacks.EarlyStopping(key, mode="max", patience=1)
        checkpoint = keras.callbacks.ModelCheckpoint(
            str(tmp_path / "best.keras"), monitor=key, mode="max", save_best_only=True
        )
        logger = tfs.SalienceLogger(tmp_path, PROBES, rationales=[[str(row[0])] for row in PROBES])
        table = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
        made = model()
        # Nothing is learnt, so nothing improves: it must stop after the second epoch.
        made.optimizer.learning_rate = 0.0
        history = fit(made, [logger, stopping, checkpoint, table], epochs=6).history
        assert len(history[key]) == 2
        assert (tmp_path / "best.keras").exists()
        with (tmp_path / "log.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [float(row[key]) for row in rows] == history[key]

    def test_the_first_epoch_has_moved_from_the_start(self, tmp_path):
        made = model()
        start = tfs.explain(made, PROBES, "gradient_dot_input")
        history = fit(made, [tfs.SalienceLogger(tmp_path, PROBES)], epochs=1).history
        end = tfs.explain(made, PROBES, "gradient_dot_input")
        correlations = [
            rankings.spearman(a.scores, b.scores)
            for a, b in zip(start, end, strict=True)
            if a.target == b.target
        ]
        assert correlations
        found = history["val_salience_drift_spearman"]
        assert found == [pytest.approx(1 - np.mean(correlations), abs=1e-6)]

    def test_steps_are_those_of_keras_tensorboard(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        made = model()
        fit(made, [logger, keras.callbacks.TensorBoard(str(tmp_path), write_graph=False)])
        points = {}
        for step, value in events(tmp_path / "validation"):
            points.setdefault(value.tag, []).append(step)
        assert points["salience/entropy"] == points["evaluation_loss_vs_iterations"] == [4, 8, 12]
        assert points["epoch_salience_entropy"] == [0, 1, 2]


class TestExamples:
    def test_texts(self, tmp_path):
        made = helpers.text_model()
        made.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        texts = helpers.texts(3)
        logger = tfs.SalienceLogger(tmp_path, texts)
        made.evaluate(tf.constant(texts), np.zeros(3), verbose=0, callbacks=[logger])
        assert [" ".join(one["tokens"]) for one in tfs.read_log(tmp_path)] == texts

    def test_a_dict(self, tmp_path):
        made = helpers.two_segments()
        made.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        inputs = {"premise": IDS, "hypothesis": IDS[:, :5]}
        probes = {key: value[:2] for key, value in inputs.items()}
        logger = tfs.SalienceLogger(tmp_path, probes)
        made.evaluate(inputs, LABELS, verbose=0, callbacks=[logger])
        expected = tfs.explain(made, probes, "gradient_dot_input")
        assert [one["tokens"] for one in tfs.read_log(tmp_path)] == expected.tokens

    @pytest.mark.parametrize("with_labels", [True, False])
    def test_a_data_set(self, tmp_path, with_labels):
        ragged = tf.ragged.constant([row[row > 0].tolist() for row in IDS])
        parts = (ragged, LABELS) if with_labels else ragged
        data = tf.data.Dataset.from_tensor_slices(parts)
        dense = data.map(lambda x, *y: (x.to_tensor() if hasattr(x, "to_tensor") else x, *y))
        batches = dense.padded_batch(4)
        target = "label" if with_labels else "predicted"
        logger = tfs.SalienceLogger(tmp_path, batches, max_examples=10, target=target)
        model().evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        records = tfs.read_log(tmp_path)
        assert len(records) == 10
        if with_labels:
            assert [one["target"] for one in records] == LABELS[:10].tolist()

    def test_labels_of_several_heads_are_left_alone(self):
        data = tf.data.Dataset.from_tensor_slices((IDS, {"a": LABELS, "b": LABELS})).batch(8)
        assert collect(data, None, None, max_examples=4).labels is None

    def test_labels_as_keras_makes_them_for_two_classes(self):
        data = tf.data.Dataset.from_tensor_slices((IDS, LABELS[:, None].astype(np.float32)))
        assert collect(data.batch(8), None, None, max_examples=4).labels.tolist() == (
            LABELS[:4].tolist()
        )

    def test_padding_that_is_not_zero_is_not_guessed(self):
        batches = tf.data.Dataset.from_generator(
            lambda: iter([np.ones((2, 3)), np.ones((2, 5))]),
            output_signature=tf.TensorSpec((None, None), tf.int32),
        )
        with pytest.raises(ValueError, match=r"different widths.*widths \[3, 5\], pad_id=1"):
            collect(batches, None, None, max_examples=4, pad_id=1)

    def test_padding_of_batches_of_other_widths(self):
        batches = tf.data.Dataset.from_generator(
            lambda: iter([np.ones((2, 3)), np.ones((2, 5))]),
            output_signature=tf.TensorSpec((None, None), tf.int32),
        )
        probes = collect(batches, None, None, max_examples=3)
        assert probes.inputs.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"examples": []}, ValueError, "at least one example"),
            (
                {"examples": tf.data.Dataset.from_tensor_slices(["a", "b"])},
                TypeError,
                r"data set of batches.*batch\(32\)",
            ),
            ({"labels": [1]}, ValueError, r"one label for each of the 4.*\(1,\)"),
            ({"rationales": [["a"]]}, ValueError, "one rationale for each of the 4.*Received: 1"),
            ({"rationales": ["a", "b", "c", "d"]}, TypeError, "a list of words.*Received: 'a'"),
            ({"every": 0}, ValueError, "`every` must be a positive integer"),
            (
                {"examples": {"a": PROBES, "b": PROBES[:2]}},
                ValueError,
                r"same number of examples.*b: int32 of shape \(2, 10\)",
            ),
            ({"special_tokens": "zib"}, TypeError, "collection of strings.*Received.*'zib'"),
            ({"max_examples": 1.5}, TypeError, "`max_examples` must be a positive integer"),
            ({"method": "gradients"}, ValueError, "`method` must be one of"),
            ({"target": 1.5}, TypeError, "`target` must be"),
            ({"target": [1, 0, 2, 1], "labels": [1, 0, 2, 1]}, ValueError, "say the same thing"),
            ({"on_error": "ignore"}, ValueError, r"`on_error` must be one of \['warn', 'raise'\]"),
            ({"name": "a/b"}, ValueError, "`name` must be letters.*Received: name='a/b'"),
        ],
    )
    def test_what_cannot_be_is_said_before_training(self, tmp_path, arguments, error, message):
        with pytest.raises(error, match=f"(?s){message}"):
            tfs.SalienceLogger(**{"log_dir": tmp_path, "examples": PROBES, **arguments})
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"embeddings": "nowhere"}, "`embeddings` must be one of"),
            ({"class_names": ["a", "b"]}, "`class_names` must name each of the model's 3 outputs"),
            ({"target": 7}, "`target`.*Received"),
            ({"target": "label"}, "pass `labels=`, one for each example"),
            ({"target": "label", "labels": [0, 1, 2, 3]}, "`labels`.*Received"),
        ],
    )
    def test_what_does_not_fit_the_model_is_said_before_the_first_step(
        self, tmp_path, arguments, message
    ):
        made = model()
        before = made.get_weights()
        logger = tfs.SalienceLogger(tmp_path, PROBES, **arguments)
        with pytest.raises(ValueError, match=message):
            fit(made, [logger])
        for one, other in zip(before, made.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


class TestFailures:
    def test_ids_outside_the_vocabulary(self, tmp_path):
        probes = PROBES.copy()
        probes[2, 0] = 999
        logger = tfs.SalienceLogger(tmp_path, probes)
        with pytest.warns(tfs.ProbeWarning, match="1 of 4 probes.*id 999") as warned:
            history = fit(model(), [logger]).history
        assert sum(one.category is tfs.ProbeWarning for one in warned) == 1
        records = tfs.read_log(tmp_path)
        assert [("error" in one) for one in records] == [False, False, True, False] * 3
        assert "id 999" in records[2]["error"]
        assert len(history["val_salience_entropy"]) == 3
        # The others are what they are without it.
        alone = tfs.explain(model(), PROBES[[0, 1, 3]], "gradient_dot_input")
        assert records[3]["tokens"] == alone[2].tokens

    def test_each_probe_keeps_its_own_target(self, tmp_path):
        probes = PROBES.copy()
        probes[0, 0] = 999
        logger = tfs.SalienceLogger(tmp_path, probes, target=[0, 1, 2, 1])
        with pytest.warns(tfs.ProbeWarning):
            model().evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert [one.get("target") for one in tfs.read_log(tmp_path)] == [None, 1, 2, 1]

    def test_weights_that_are_not_numbers(self, tmp_path):
        made = model()

        class Ruin(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 1:
                    made.layers[-1].bias.assign(np.full(helpers.CLASSES, np.nan))

        logger = tfs.SalienceLogger(tmp_path, PROBES)
        with pytest.warns(tfs.ProbeWarning, match="4 of 4 probes.*finite"):
            history = fit(made, [logger, Ruin()]).history
        assert len(history["val_loss"]) == 3
        records = tfs.read_log(tmp_path)
        assert ["error" in one for one in records[::4]] == [False, True, True]
        # Keras' own lists stay as long as the epochs.
        assert np.isnan(history["val_salience_entropy"]).tolist() == [False, True, True]

    def test_whatever_a_model_raises(self, tmp_path):
        made = model()

        def target(outputs):
            assert outputs.shape[-1] == 99, "a rule of the user's own"
            return outputs[:, 0]

        logger = tfs.SalienceLogger(tmp_path, PROBES, target=target)
        with pytest.warns(tfs.ProbeWarning, match="a rule of the user's own"):
            fit(made, [logger])
        assert len(tfs.read_log(tmp_path)) == 12

    def test_what_holds_something_for_each_probe_is_not_taken_apart(self, tmp_path):
        probes = PROBES.copy()
        probes[0, 0] = 999
        target = tfs.targets.Margin([0, 1, 2, 0], 1)
        logger = tfs.SalienceLogger(tmp_path, probes, target=target)
        with pytest.warns(tfs.ProbeWarning, match="4 of 4 probes.*id 999"):
            model().evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert all("id 999" in one["error"] for one in tfs.read_log(tmp_path))

    def test_rationales_that_are_nowhere(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES, rationales=[["Good"]] * 4)
        with pytest.warns(tfs.UnknownTokensWarning, match="No word of `rationales`") as warned:
            history = fit(model(), [logger]).history
        assert sum(one.category is tfs.UnknownTokensWarning for one in warned) == 1
        assert "val_salience_rationale_share" not in history

    def test_a_probe_that_comes_back(self, tmp_path):
        made = model()
        good = made.get_weights()
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        made.set_weights([np.full_like(one, np.nan) for one in good])
        with pytest.warns(tfs.ProbeWarning):
            made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        made.set_weights(good)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert ["error" in one for one in tfs.read_log(tmp_path)] == [True] * 4 + [False] * 4
        assert logger._observer._apart == set()

    def test_raise(self, tmp_path):
        made = model()
        logger = tfs.SalienceLogger(tmp_path, np.full((1, 3), 999), on_error="raise")
        with pytest.raises(ValueError, match="id 999"):
            fit(made, [logger])
        np.testing.assert_allclose(made.predict(IDS, verbose=0), made(IDS), rtol=1e-5, atol=1e-6)


class TestMeasures:
    def test_rationales_special_tokens_and_padding(self, tmp_path):
        # Each token's score is its number, so the order of the tokens is known.
        table = np.arange(10.0)[:, None].astype(np.float32)
        made = helpers.formula_model(lambda e: ops.sum(e, axis=1), table)
        made.compile("sgd", "mse")
        probes = np.array([[1, 5, 3, 2, 0]])
        logger = tfs.SalienceLogger(
            tmp_path,
            probes,
            pad_id=2,
            tokenizer=["", "the", "[PAD]", "[SEP]", "x", "good"],
            rationales=[["good", "the"]],
        )
        made.evaluate(probes, np.ones((1, 1)), verbose=0, callbacks=[logger])
        (record,) = tfs.read_log(tmp_path)
        assert record["tokens"] == ["the", "good", "[SEP]", ""]
        assert record["scores"] == [1, 5, 3, 0]
        found = record["measures"]
        assert found["padding_mass"] == pytest.approx(2 / 11)
        assert found["special_mass"] == pytest.approx(3 / 9)
        assert found["rationale_share"] == 0.5
        assert found["convergence_delta"] is None
        # The top 20 % of four tokens are one, and no token is worth more than "good".
        assert 0 <= found["comprehensiveness_over_random"] <= 5
        assert logger.scalars["rationale_share"] == 0.5

    def test_erasing_of_a_sum_by_hand(self, tmp_path):
        table = np.arange(30.0)[:, None].astype(np.float32)
        made = helpers.formula_model(lambda e: ops.sum(e, axis=1), table)
        made.compile("sgd", "mse")
        probes = np.array([list(range(1, 11))])  # the scores are 1 to 10
        logger = tfs.SalienceLogger(tmp_path, probes)
        made.evaluate(probes, np.ones((1, 1)), verbose=0, callbacks=[logger])
        generator = np.random.default_rng(0)
        # The fall without two random tokens is their sum.
        draws = [np.argsort(-generator.random(10), kind="stable")[:2] for _ in range(4)]
        expected = (9 + 10) - np.mean([probes[0, draw].sum() for draw in draws])
        assert logger.scalars["comprehensiveness_over_random"] == pytest.approx(expected)
        # All but them: the sum of the others falls, which for good words is less.
        assert logger.scalars["sufficiency_over_random"] == pytest.approx(-expected)

    def test_the_names_are_those_that_are_documented(self):
        text = tfs.SalienceLogger.__doc__
        for name in metrics.NAMES:
            assert f"`{name}`" in text
        readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
        for name in metrics.NAMES:
            assert f"`{name}`" in readme

    def test_a_class_that_changes_is_no_drift(self, tmp_path):
        made, logger = model(), tfs.SalienceLogger(tmp_path, PROBES)
        for column in (0, 1):
            bias = np.zeros(helpers.CLASSES)
            bias[column] = 100.0
            made.layers[-1].bias.assign(bias)
            made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
            assert "drift_spearman" not in logger.scalars

    def test_one_token_has_no_order(self, tmp_path):
        made = model()
        logger = tfs.SalienceLogger(tmp_path, np.array([[3]]), rationales=[[0]])
        for _ in range(2):
            made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        found = tfs.read_log(tmp_path)[-1]["measures"]
        assert {name for name, value in found.items() if value is not None} == {
            "padding_mass",
            "special_mass",
            "rationale_share",
        }

    def test_integrated_gradients_log_their_delta(self, tmp_path):
        method = tfs.IntegratedGradients(steps=2)
        made = model()
        logger = tfs.SalienceLogger(tmp_path, PROBES, method=method)
        made.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        expected = np.median(np.abs(tfs.explain(made, PROBES, method).convergence_delta))
        assert logger.scalars["convergence_delta"] == pytest.approx(expected, rel=1e-3)


class TestWithout:
    def test_what_is_erased_is_the_baseline(self):
        table = np.arange(30.0)[:, None].astype(np.float32)
        made = helpers.formula_model(lambda e: ops.sum(e, axis=1), table)
        ids = np.array([[1, 2, 3], [4, 5, 6]])
        erased = np.array([[[1, 0, 0], [0, 0, 0]], [[0, 1, 1], [1, 1, 1]]], bool)
        found = tfs.Explainer(made, "gradient_norm").without(ids, erased)
        assert found.tolist() == [[5, 15], [1, 0]]
        method = tfs.IntegratedGradients(baseline=7)
        found = tfs.Explainer(made, method).without(ids, erased)
        assert found.tolist() == [[12, 15], [15, 21]]

    def test_the_class_is_that_of_the_whole_input(self):
        made = helpers.weights_alive(helpers.sequential_lstm())
        explainer = tfs.Explainer(made)
        explanation = explainer(PROBES)
        nothing, all_gone = np.zeros_like(explanation.mask), explanation.mask
        whole, gone = explainer.without(PROBES, np.stack([nothing, all_gone]))
        np.testing.assert_allclose(whole, explanation.output, rtol=1e-5)
        np.testing.assert_allclose(gone, explanation.baseline_output, rtol=1e-4, atol=1e-5)

    def test_segments_are_in_the_order_of_the_explanation(self):
        made = helpers.weights_alive(helpers.two_segments())
        inputs = {"premise": PROBES, "hypothesis": helpers.ids(4, width=6, seed=8)}
        explainer = tfs.Explainer(made, "gradient_dot_input")
        explanation = explainer(inputs)
        for name, part in explanation.segments.items():
            erased = np.zeros((1, *explanation.mask.shape), bool)
            erased[:, :, part] = True
            layer = next(one for one in made.layers if isinstance(one, layers.Embedding))
            table = layer.get_weights()[0]
            found = explainer.without(inputs, erased)[0]
            other = next(one for one in inputs if one != name)
            assert found.shape == (4,)
            # By the model's own hand: the encoder of a segment of zero vectors, masked as it is.
            encode = next(one for one in made.layers if isinstance(one, layers.GRU))
            vectors = {
                name: np.zeros((4, inputs[name].shape[1], 8), np.float32),
                other: table[inputs[other]],
            }
            coded = [
                encode(tf.constant(vectors[key]), mask=tf.constant(inputs[key] != 0))
                for key in ("premise", "hypothesis")
            ]
            logits = made.layers[-1](tf.concat(coded, axis=1)).numpy()
            expected = logits[np.arange(4), explanation.target]
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    def test_texts_of_other_widths_in_several_looks(self, monkeypatch):
        words = layers.TextVectorization(vocabulary=helpers.WORDS)
        made = keras.Sequential(
            [layers.Input((), dtype="string"), words, layers.Embedding(30, 4, mask_zero=True)]
        )
        made.add(layers.GRU(3))
        made.add(layers.Dense(2))
        monkeypatch.setattr("tf_salience.explainer.explainer._POOL_TOKENS", 1)
        texts = ["w1", "w1 w2 w3", "w4 w5"]
        explainer = tfs.Explainer(made, "gradient_norm", batch_size=1)
        explanation = explainer(texts)
        assert explanation.mask.shape == (3, 3)
        found = explainer.without(texts, np.zeros((1, 3, 3), bool))
        np.testing.assert_allclose(found[0], explanation.output, rtol=1e-5)

    @pytest.mark.parametrize("shape", [(4, 10), (1, 3, 10), (1, 4, 9)])
    def test_another_shape(self, shape):
        explainer = tfs.Explainer(helpers.sequential_lstm(), "gradient_norm")
        with pytest.raises(ValueError, match=r"`erased`.*\(sets, 4, 10\).*Received: shape"):
            explainer.without(PROBES, np.zeros(shape, bool))


def test_the_pictures_of_a_long_run_become_rare(tmp_path):
    board, history = Board(tmp_path, "salience"), History()
    salience = tfs.explain(model(), PROBES[:1], "gradient_norm")[0]
    for step in range(200):
        history.add(0, Column(step, step, "m", "class 0", salience.tokens, salience.scores))
        board.show({}, {0: salience}, history, step)
    board.close(history)
    steps = [step for step, value in events(tmp_path) if value.tag == "salience/probe_0/history"]
    assert steps[:20] == list(range(20))
    assert steps[-1] == 199
    assert len(steps) < 80


def test_columns_of_another_run_go():
    def column(step, method="m", token="a"):
        return Column(step, None, method, "class 0", [token], np.ones(1, np.float32))

    history = History()
    for one in (column(1), column(2), column(3), column(2)):
        history.add(0, one)
    assert [one.step for one in history.columns[0]] == [1, 2]
    history.add(0, column(3, method="n"))
    assert [one.method for one in history.columns[0]] == ["n"]
    history.add(0, column(4, method="n", token="b"))
    assert [one.step for one in history.columns[0]] == [4]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    try:
        made = model()
    finally:
        keras.config.set_dtype_policy("float32")
    history = fit(made, [tfs.SalienceLogger(tmp_path, PROBES)]).history
    assert len(tfs.read_log(tmp_path)) == 12
    assert np.isfinite(history["val_salience_entropy"]).all()


@pytest.mark.slow
def test_inside_a_mirrored_strategy(tmp_path):
    code = f"""
        import json
        import numpy as np
        import tensorflow as tf
        device = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            device, [tf.config.LogicalDeviceConfiguration()] * 2
        )
        import keras
        import tf_salience as tfs
        import test_salience_logger as here

        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        found = []
        for callbacks in ([], [tfs.SalienceLogger({str(tmp_path)!r}, here.PROBES)]):
            with strategy.scope():
                made = here.model()
            losses = here.fit(made, callbacks).history["val_loss"]
            found.append((losses, [float(abs(one).sum()) for one in made.get_weights()]))
        expected = tfs.explain(made, here.PROBES, "gradient_dot_input")
        print(json.dumps({{"runs": found, "scores": expected[0].scores.tolist()}}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["runs"][0] == found["runs"][1]
    records = tfs.read_log(tmp_path)
    assert len(records) == 12
    assert records[-4]["scores"] == pytest.approx(found["scores"], rel=1e-4, abs=1e-6)
