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
import training
from keras import layers, ops
from training import IDS, LABELS, PROBES, compiled_model, fit, summary_values

import tf_salience as tfs
from tf_salience.evaluation import rankings

MODES = {
    "plain": {},
    "jit_compile": {"jit_compile": True},
    "run_eagerly": {"run_eagerly": True},
    "steps_per_execution": {"steps_per_execution": 2},
}


class OwnMethod:
    """A method of the user's own, with its own baseline."""

    reduction = staticmethod(lambda gradient, difference: tf.reduce_sum(gradient * difference, -1))
    follows_path = False
    keep_ids = ()

    def __init__(self, baseline):
        self.baseline = baseline

    def __call__(self, path):
        return tfs.GradientDotInput()(path)

    def get_config(self):
        return {"baseline": "of the user"}


class OwnTarget:
    """A target of the user's own: twice the output of a class, or of one class per example."""

    def __init__(self, classes):
        self.classes = classes

    @property
    def units(self):
        return (self.classes,)

    def resolve(self, context):
        return tfs.targets.Unit(self.classes).resolve(context)

    def score(self, outputs, target_indices):
        return 2 * tf.gather(outputs, target_indices[:, 0], axis=1, batch_dims=1)

    def name(self, target_indices, context):
        return f"twice {target_indices[0]}"

    def get_config(self):
        return {"classes": self.classes}


@pytest.mark.parametrize("mode", MODES)
class TestFit:
    def test_each_epoch_is_one_evaluation(self, tmp_path, mode):
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        history = fit(compiled_model(**MODES[mode]), [logger]).history
        records = tfs.read_log(tmp_path)
        assert [record["probe"] for record in records] == [0, 1, 2, 3] * 3
        assert [record["evaluation"] for record in records[::4]] == [0, 1, 2]
        assert [record["epoch"] for record in records[::4]] == [0, 1, 2]
        assert [record["step"] for record in records[::4]] == [4, 8, 12]
        assert len(history["val_salience_drift_spearman"]) == 3
        assert history["val_salience_entropy"][-1] == logger.scalars["entropy"]

    def test_records_are_those_of_an_explainer(self, tmp_path, mode):
        model = compiled_model(**MODES[mode])
        fit(model, [tfs.SalienceLogger(tmp_path, PROBES)])
        expected = tfs.explain(model, PROBES, "gradient_dot_input")
        for record, salience in zip(tfs.read_log(tmp_path)[-4:], expected, strict=True):
            assert record["tokens"] == salience.tokens
            assert record["target"] == salience.target
            assert record["method"] == "gradient_dot_input"
            assert record["output"] == pytest.approx(salience.output, rel=1e-5)
            assert record["scores"] == pytest.approx(salience.scores.tolist(), rel=1e-4, abs=1e-6)

    @pytest.mark.parametrize("method", ["gradient_dot_input", "integrated_gradients"])
    def test_training_is_the_same_as_without_the_logger(self, tmp_path, mode, method):
        runs = []
        for callbacks in ([], [tfs.SalienceLogger(tmp_path, PROBES, method=method)]):
            model = compiled_model(**MODES[mode])
            losses = fit(model, callbacks, shuffle=True).history
            draws = [
                random.random(),
                np.random.random(),
                float(tf.random.uniform(())),
                float(ops.convert_to_numpy(keras.random.uniform(()))),
            ]
            state = [array.numpy() for array in model.optimizer.variables]
            runs.append((losses, draws, model.get_weights() + state))
        (losses, draws, arrays), (logged_losses, logged_draws, logged_arrays) = runs
        assert losses == {key: logged_losses[key] for key in losses}
        assert draws == logged_draws
        for array, logged_array in zip(arrays, logged_arrays, strict=True):
            np.testing.assert_array_equal(array, logged_array)

    def test_no_cached_function_sees_the_hook(self, tmp_path, mode):
        model = compiled_model(**MODES[mode])
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        before = model.predict(IDS, verbose=0)
        fit(model, [logger, keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras"))])
        model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert not any("call" in vars(layer) for layer in model.layers)
        after = model.predict(IDS, verbose=0)
        assert not np.allclose(before, after), "the weights have changed"
        np.testing.assert_allclose(after, model(IDS), rtol=1e-5, atol=1e-6)
        model.save(tmp_path / "last.keras")
        for filename in ("3.keras", "last.keras"):
            reloaded = keras.models.load_model(tmp_path / filename)
            np.testing.assert_allclose(reloaded(IDS), model(IDS), rtol=1e-6)


class TestWhenItRuns:
    def test_without_validation_at_the_end_of_an_epoch(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        history = fit(compiled_model(), [logger], validation_data=None).history
        assert len(tfs.read_log(tmp_path)) == 12
        assert len(history["val_salience_entropy"]) == 3

    def test_validation_every_other_epoch(self, tmp_path):
        fit(compiled_model(), [tfs.SalienceLogger(tmp_path, PROBES)], epochs=4, validation_freq=2)
        assert [record["epoch"] for record in tfs.read_log(tmp_path)[::4]] == [0, 1, 2, 3]

    def test_in_evaluate_alone(self, tmp_path):
        model, logger = compiled_model(), tfs.SalienceLogger(tmp_path, PROBES)
        for _ in range(2):
            model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        records = tfs.read_log(tmp_path)
        assert [
            (record["evaluation"], record["epoch"], record["step"]) for record in records[::4]
        ] == [
            (0, None, 0),
            (1, None, 0),
        ]
        assert "drift_spearman" in logger.scalars
        assert logger.scalars["drift_spearman"] == pytest.approx(0, abs=1e-6)

    def test_every_second_evaluation(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES, every=2)
        history = fit(compiled_model(), [logger], epochs=4).history
        assert [record["epoch"] for record in tfs.read_log(tmp_path)[::4]] == [0, 2]
        assert len(history["val_salience_entropy"]) == 2
        assert len(history["val_loss"]) == 4

    def test_a_resumed_run_continues_the_log(self, tmp_path):
        model = compiled_model()
        # One target, so that the title of the images has one width.
        fit(model, [tfs.SalienceLogger(tmp_path, PROBES, target=0)], epochs=2)
        with (tmp_path / "salience.jsonl").open("a") as file:
            file.write('{"evaluation": 2, "epo')
        logger = tfs.SalienceLogger(tmp_path, PROBES, target=0)
        with pytest.warns(tfs.DamagedLogWarning):
            fit(model, [logger], epochs=4, initial_epoch=2)
        with pytest.warns(tfs.DamagedLogWarning):
            records = tfs.read_log(tmp_path)
        assert [record["evaluation"] for record in records[::4]] == [0, 1, 2, 3]
        assert [record["step"] for record in records[::4]] == [4, 8, 12, 16]
        # The images have a column for each evaluation of both runs.
        widths = {
            step: int(tf.make_ndarray(value.tensor)[0])
            for step, value in summary_values(tmp_path / "validation")
            if value.tag == "salience/probe_0/history"
        }
        assert list(widths) == [4, 8, 12, 16]
        assert widths[16] - widths[12] == widths[12] - widths[8] > 0

    def test_every_second_evaluation_of_processes_of_one_epoch(self, tmp_path):
        model = compiled_model()
        for epoch in range(3):
            logger = tfs.SalienceLogger(tmp_path, PROBES, every=2)
            fit(model, [logger], epochs=epoch + 1, initial_epoch=epoch)
        assert [record["epoch"] for record in tfs.read_log(tmp_path)[::4]] == [0, 1, 2]

    def test_after_an_interrupt(self, tmp_path):
        model, logger = compiled_model(), tfs.SalienceLogger(tmp_path, PROBES)

        class Interrupt(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(model, [logger, Interrupt()])
        model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert [record["epoch"] for record in tfs.read_log(tmp_path)[::4]] == [0, None]

    def test_another_model_after_the_first(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        first, second = compiled_model(), compiled_model()
        second.layers[0].set_weights([second.layers[0].get_weights()[0] * 3])
        for model in (first, second):
            model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        records = tfs.read_log(tmp_path)
        expected = tfs.explain(second, PROBES, "gradient_dot_input")
        assert records[-1]["scores"] == pytest.approx(expected[3].scores.tolist(), rel=1e-4)
        assert records[-1]["measures"]["drift_spearman"] is None

    def test_a_model_that_its_first_batch_builds(self, tmp_path):
        model = helpers.Subclassed()
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        fit(model, [logger])
        assert len(tfs.read_log(tmp_path)) == 12

    def test_no_graph_is_traced_after_the_first_epoch(self, tmp_path):
        traces, traces_by_epoch = {"model": 0, "target": 0}, []

        def count(name, outputs):
            traces[name] += tf.inside_function()
            return outputs

        ids = layers.Input((None,), dtype="int32")
        hidden = layers.Embedding(helpers.VOCABULARY, 8)(ids)
        hidden = layers.Lambda(lambda embeddings: count("model", embeddings))(hidden)
        outputs = layers.Dense(helpers.CLASSES)(layers.GlobalAveragePooling1D()(hidden))
        model = keras.Model(ids, outputs)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))

        class Note(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                traces_by_epoch.append(dict(traces))

        logger = tfs.SalienceLogger(
            tmp_path,
            PROBES,
            method="integrated_gradients",
            target=lambda outputs: count("target", outputs[:, 0]),
        )
        fit(model, [logger, Note()], epochs=4)
        assert traces_by_epoch == [traces_by_epoch[0]] * 4
        assert min(traces_by_epoch[0].values()) > 0


class TestOtherCallbacks:
    def test_early_stopping_checkpoints_and_csv_after_it(self, tmp_path):
        key = "val_salience_rationale_share"
        stopping = keras.callbacks.EarlyStopping(key, mode="max", patience=1)
        checkpoint = keras.callbacks.ModelCheckpoint(
            str(tmp_path / "best.keras"), monitor=key, mode="max", save_best_only=True
        )
        logger = tfs.SalienceLogger(tmp_path, PROBES, rationales=[[str(row[0])] for row in PROBES])
        table = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
        model = compiled_model()
        # The weights stay, so nothing improves, and training stops after the second epoch.
        model.optimizer.learning_rate = 0.0
        history = fit(model, [logger, stopping, checkpoint, table], epochs=6).history
        assert len(history[key]) == 2
        assert (tmp_path / "best.keras").exists()
        with (tmp_path / "log.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [float(row[key]) for row in rows] == history[key]

    def test_the_drift_of_the_first_epoch_is_that_from_the_start(self, tmp_path):
        model = compiled_model()
        start = tfs.explain(model, PROBES, "gradient_dot_input")
        history = fit(model, [tfs.SalienceLogger(tmp_path, PROBES)], epochs=1).history
        end = tfs.explain(model, PROBES, "gradient_dot_input")
        correlations = [
            rankings.spearman(before.scores, after.scores)
            for before, after in zip(start, end, strict=True)
            if before.target == after.target
        ]
        assert correlations
        drift = history["val_salience_drift_spearman"]
        assert drift == [pytest.approx(1 - np.mean(correlations), abs=1e-6)]

    def test_steps_are_those_of_keras_tensorboard(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        model = compiled_model()
        fit(model, [logger, keras.callbacks.TensorBoard(str(tmp_path), write_graph=False)])
        points = {}
        for step, value in summary_values(tmp_path / "validation"):
            points.setdefault(value.tag, []).append(step)
        assert points["salience/entropy"] == points["evaluation_loss_vs_iterations"] == [4, 8, 12]
        assert points["epoch_salience_entropy"] == [0, 1, 2]


class TestExamples:
    def test_texts(self, tmp_path):
        model = helpers.text_model()
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        texts = helpers.texts(3)
        logger = tfs.SalienceLogger(tmp_path, texts)
        model.evaluate(tf.constant(texts), np.zeros(3), verbose=0, callbacks=[logger])
        assert [" ".join(record["tokens"]) for record in tfs.read_log(tmp_path)] == texts

    def test_a_dict(self, tmp_path):
        model = helpers.two_segments()
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        inputs = {"premise": IDS, "hypothesis": IDS[:, :5]}
        probes = {key: value[:2] for key, value in inputs.items()}
        logger = tfs.SalienceLogger(tmp_path, probes)
        model.evaluate(inputs, LABELS, verbose=0, callbacks=[logger])
        expected = tfs.explain(model, probes, "gradient_dot_input")
        assert [record["tokens"] for record in tfs.read_log(tmp_path)] == expected.tokens

    def test_a_method_and_a_target_of_the_user(self, tmp_path):
        model = compiled_model()
        method, target = OwnMethod("zeros"), OwnTarget(1)
        logger = tfs.SalienceLogger(tmp_path, PROBES, method=method, target=target)
        model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        expected = tfs.explain(model, PROBES, "gradient_dot_input", target=1)
        for record, salience in zip(tfs.read_log(tmp_path), expected, strict=True):
            assert (record["method"], record["target_name"]) == ("OwnMethod", "twice 1")
            assert record["scores"] == pytest.approx((2 * salience.scores).tolist(), rel=1e-4)

    @pytest.mark.parametrize("with_labels", [True, False])
    def test_a_data_set(self, tmp_path, with_labels):
        ragged = tf.ragged.constant([row[row > 0].tolist() for row in IDS])
        elements = (ragged, LABELS) if with_labels else ragged
        data = tf.data.Dataset.from_tensor_slices(elements)
        dense = data.map(lambda x, *y: (x.to_tensor() if hasattr(x, "to_tensor") else x, *y))
        batches = dense.padded_batch(4)
        target = "label" if with_labels else "predicted"
        logger = tfs.SalienceLogger(tmp_path, batches, max_examples=10, target=target)
        compiled_model().evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        records = tfs.read_log(tmp_path)
        assert len(records) == 10
        if with_labels:
            assert [record["target"] for record in records] == LABELS[:10].tolist()

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
            (
                {"target": [1, 0, 2, 1], "labels": [1, 0, 2, 1]},
                ValueError,
                "`labels` must be None.*Received: labels",
            ),
            ({"on_error": "ignore"}, ValueError, r"`on_error` must be one of \['warn', 'raise'\]"),
            ({"name": "a/b"}, ValueError, "`name` must be letters.*Received: name='a/b'"),
        ],
    )
    def test_arguments_that_do_not_fit_raise_at_once(self, tmp_path, arguments, error, message):
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
    def test_arguments_that_do_not_fit_the_model_raise_before_the_first_step(
        self, tmp_path, arguments, message
    ):
        model = compiled_model()
        before = model.get_weights()
        logger = tfs.SalienceLogger(tmp_path, PROBES, **arguments)
        with pytest.raises(ValueError, match=message):
            fit(model, [logger])
        for array_before, array in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(array_before, array)


class TestFailures:
    def test_ids_outside_the_vocabulary(self, tmp_path):
        probes = PROBES.copy()
        probes[2, 0] = 999
        logger = tfs.SalienceLogger(tmp_path, probes)
        with pytest.warns(tfs.ProbeWarning, match="1 of 4 probes.*id 999") as warned:
            history = fit(compiled_model(), [logger]).history
        assert sum(warning.category is tfs.ProbeWarning for warning in warned) == 1
        records = tfs.read_log(tmp_path)
        assert [("error" in record) for record in records] == [False, False, True, False] * 3
        assert "id 999" in records[2]["error"]
        assert len(history["val_salience_entropy"]) == 3
        # The other probes are explained as without the one that fails.
        expected = tfs.explain(compiled_model(), PROBES[[0, 1, 3]], "gradient_dot_input")
        assert records[3]["tokens"] == expected[2].tokens

    def test_each_probe_keeps_its_own_target(self, tmp_path):
        probes = PROBES.copy()
        probes[0, 0] = 999
        logger = tfs.SalienceLogger(tmp_path, probes, target=[0, 1, 2, 1])
        with pytest.warns(tfs.ProbeWarning):
            compiled_model().evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert [record.get("target") for record in tfs.read_log(tmp_path)] == [None, 1, 2, 1]

    def test_weights_that_become_nan(self, tmp_path):
        model = compiled_model()

        class SetNan(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 1:
                    model.layers[-1].bias.assign(np.full(helpers.CLASSES, np.nan))

        logger = tfs.SalienceLogger(tmp_path, PROBES)
        with pytest.warns(tfs.ProbeWarning, match="4 of 4 probes.*finite"):
            history = fit(model, [logger, SetNan()]).history
        assert len(history["val_loss"]) == 3
        records = tfs.read_log(tmp_path)
        assert ["error" in record for record in records[::4]] == [False, True, True]
        # The lists of Keras' `History` have an entry for each epoch.
        assert np.isnan(history["val_salience_entropy"]).tolist() == [False, True, True]

    def test_any_error_of_a_target(self, tmp_path):
        model = compiled_model()

        def target(outputs):
            assert outputs.shape[-1] == 99, "an assertion of the user"
            return outputs[:, 0]

        logger = tfs.SalienceLogger(tmp_path, PROBES, target=target)
        with pytest.warns(tfs.ProbeWarning, match="an assertion of the user"):
            fit(model, [logger])
        assert len(tfs.read_log(tmp_path)) == 12

    @pytest.mark.parametrize(
        "arguments",
        [
            {"target": tfs.targets.Margin([0, 1, 2, 0], 1)},
            {"target": OwnTarget([0, 1, 2, 0])},
            {"method": tfs.IntegratedGradients(baseline=np.zeros((4, 10, 8)))},
            {"method": OwnMethod(np.zeros((4, 10, 8)))},
        ],
    )
    def test_an_entry_for_each_probe_keeps_the_probes_together(self, tmp_path, arguments):
        probes = PROBES.copy()
        probes[0, 0] = 999
        logger = tfs.SalienceLogger(tmp_path, probes, **arguments)
        with pytest.warns(tfs.ProbeWarning, match="4 of 4 probes.*id 999"):
            compiled_model().evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert all("id 999" in record["error"] for record in tfs.read_log(tmp_path))

    @pytest.mark.parametrize(
        "arguments",
        [
            {"target": tfs.targets.Unit([0, 1, 2, 0])},
            {"target": OwnTarget(1)},
            {"method": OwnMethod("zeros")},
            {"method": OwnMethod(np.zeros((10, 8)))},
        ],
    )
    def test_probes_are_explained_without_one_that_fails(self, tmp_path, arguments):
        probes = PROBES.copy()
        probes[0, 0] = 999
        logger = tfs.SalienceLogger(tmp_path, probes, **arguments)
        with pytest.warns(tfs.ProbeWarning, match="1 of 4 probes.*id 999"):
            compiled_model().evaluate(IDS, LABELS, verbose=0, callbacks=[logger])

    def test_rationales_that_match_no_token(self, tmp_path):
        logger = tfs.SalienceLogger(tmp_path, PROBES, rationales=[["Good"]] * 4)
        with pytest.warns(tfs.UnknownTokensWarning, match="No word of `rationales`") as warned:
            history = fit(compiled_model(), [logger]).history
        assert sum(warning.category is tfs.UnknownTokensWarning for warning in warned) == 1
        assert "val_salience_rationale_share" not in history

    def test_probes_that_recover(self, tmp_path):
        model = compiled_model()
        weights = model.get_weights()
        logger = tfs.SalienceLogger(tmp_path, PROBES)
        model.set_weights([np.full_like(array, np.nan) for array in weights])
        with pytest.warns(tfs.ProbeWarning):
            model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        model.set_weights(weights)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        assert ["error" in record for record in tfs.read_log(tmp_path)] == [True] * 4 + [False] * 4

    def test_errors_end_the_training_if_asked_to(self, tmp_path):
        model = compiled_model()
        logger = tfs.SalienceLogger(tmp_path, np.full((1, 3), 999), on_error="raise")
        with pytest.raises(ValueError, match="id 999"):
            fit(model, [logger])
        np.testing.assert_allclose(model.predict(IDS, verbose=0), model(IDS), rtol=1e-5, atol=1e-6)


class TestMeasures:
    def test_rationales_special_tokens_and_padding(self, tmp_path):
        # Each token's score is its id, so the order of the tokens is known.
        table = np.arange(10.0)[:, None].astype(np.float32)
        model = helpers.formula_model(lambda embeddings: ops.sum(embeddings, axis=1), table)
        model.compile("sgd", "mse")
        probes = np.array([[1, 5, 3, 2, 0]])
        logger = tfs.SalienceLogger(
            tmp_path,
            probes,
            pad_id=2,
            tokenizer=["", "the", "[PAD]", "[SEP]", "x", "good"],
            rationales=[["good", "the"]],
        )
        model.evaluate(probes, np.ones((1, 1)), verbose=0, callbacks=[logger])
        (record,) = tfs.read_log(tmp_path)
        assert record["tokens"] == ["the", "good", "[SEP]", ""]
        assert record["scores"] == [1, 5, 3, 0]
        measures = record["measures"]
        assert measures["padding_mass"] == pytest.approx(2 / 11)
        assert measures["special_mass"] == pytest.approx(3 / 9)
        assert measures["rationale_share"] == 0.5
        assert measures["convergence_delta"] is None
        # The top 20 % of four tokens are one token, and no token scores more than "good".
        assert 0 <= measures["comprehensiveness_over_random"] <= 5
        assert logger.scalars["rationale_share"] == 0.5

    def test_erasure_of_a_sum_by_hand(self, tmp_path):
        table = np.arange(30.0)[:, None].astype(np.float32)
        model = helpers.formula_model(lambda embeddings: ops.sum(embeddings, axis=1), table)
        model.compile("sgd", "mse")
        probes = np.array([list(range(1, 11))])  # the scores are 1 to 10
        logger = tfs.SalienceLogger(tmp_path, probes)
        model.evaluate(probes, np.ones((1, 1)), verbose=0, callbacks=[logger])
        generator = np.random.default_rng(0)
        # The fall without two random tokens is their sum.
        draws = [np.argsort(-generator.random(10), kind="stable")[:2] for _ in range(4)]
        expected = (9 + 10) - np.mean([probes[0, draw].sum() for draw in draws])
        assert logger.scalars["comprehensiveness_over_random"] == pytest.approx(expected)
        # With the top tokens alone the sum falls by the other tokens, which is less.
        assert logger.scalars["sufficiency_over_random"] == pytest.approx(-expected)

    def test_no_drift_where_the_class_changes(self, tmp_path):
        model, logger = compiled_model(), tfs.SalienceLogger(tmp_path, PROBES)
        for column in (0, 1):
            bias = np.zeros(helpers.CLASSES)
            bias[column] = 100.0
            model.layers[-1].bias.assign(bias)
            model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
            assert "drift_spearman" not in logger.scalars

    def test_one_token_has_no_order(self, tmp_path):
        model = compiled_model()
        logger = tfs.SalienceLogger(tmp_path, np.array([[3]]), rationales=[[0]])
        for _ in range(2):
            model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        measures = tfs.read_log(tmp_path)[-1]["measures"]
        assert {name for name, value in measures.items() if value is not None} == {
            "padding_mass",
            "special_mass",
            "rationale_share",
        }

    def test_integrated_gradients_log_their_delta(self, tmp_path):
        method = tfs.IntegratedGradients(steps=2)
        model = compiled_model()
        logger = tfs.SalienceLogger(tmp_path, PROBES, method=method)
        model.evaluate(IDS, LABELS, verbose=0, callbacks=[logger])
        expected = np.median(np.abs(tfs.explain(model, PROBES, method).convergence_delta))
        assert logger.scalars["convergence_delta"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = compiled_model()
    finally:
        keras.config.set_dtype_policy("float32")
    history = fit(model, [tfs.SalienceLogger(tmp_path, PROBES)]).history
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
        import training

        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        runs = []
        for callbacks in ([], [tfs.SalienceLogger({str(tmp_path)!r}, training.PROBES)]):
            with strategy.scope():
                model = training.compiled_model()
            losses = training.fit(model, callbacks).history["val_loss"]
            sums = [float(abs(array).sum()) for array in model.get_weights()]
            runs.append((losses, sums))
        expected = tfs.explain(model, training.PROBES, "gradient_dot_input")
        print(json.dumps({{"runs": runs, "scores": expected[0].scores.tolist()}}))
    """
    done = subprocess.run(
        # Says where, should TensorFlow crash: it did once.
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code)],
        cwd=Path(training.__file__).parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    printed = json.loads(done.stdout.splitlines()[-1])
    assert printed["runs"][0] == printed["runs"][1]
    records = tfs.read_log(tmp_path)
    assert len(records) == 12
    assert records[-4]["scores"] == pytest.approx(printed["scores"], rel=1e-4, abs=1e-6)
