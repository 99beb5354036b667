"""SavedModels that explain themselves, asked by those who will ask them: not by this library."""

import concurrent.futures
import functools
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import tf_salience as tfs
from tf_salience import export

AUTO = tfs.IntegratedGradients(tolerance=0.02)


@pytest.fixture(scope="module")
def models():
    @functools.cache
    def build(name):
        keras.utils.set_random_seed(1)
        return helpers.weights_alive(getattr(helpers, name)())

    return build


@pytest.fixture(scope="module")
def exported(models, tmp_path_factory):
    """Exports a model of `helpers` once for each set of arguments; gives the directory."""

    @functools.cache
    def write(name, method=AUTO, **keywords):
        place = tmp_path_factory.mktemp("export") / name
        return tfs.export_saved_model(models(name), place, method=method, **keywords)

    return write


@pytest.fixture(scope="module")
def loaded(exported):
    @functools.cache
    def load(*arguments, **keywords):
        # TensorFlow frees what a loaded model holds with the object, not with its signatures.
        return tf.saved_model.load(str(exported(*arguments, **keywords)))

    return load


def ask(model, signature="attributions", **inputs):
    function = model.signatures[signature]
    if len(inputs) == 1:
        ((name, value),) = inputs.items()
        if name == "inputs":
            inputs = {next(iter(function.structured_input_signature[1])): value}
    return {name: value.numpy() for name, value in function(**inputs).items()}


def ids(batch=6):
    return tf.constant(helpers.ids(batch))


def size_of(folder):
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())


class TestSignatures:
    def test_the_model_predicts_as_before(self, models, loaded):
        model = models("sequential_lstm")
        found = ask(loaded("sequential_lstm"), "serving_default", inputs=ids())
        np.testing.assert_allclose(found["output_0"], model(ids()), rtol=1e-6)
        np.testing.assert_allclose(loaded("sequential_lstm").serve(ids()), model(ids()), rtol=1e-6)

    def test_dimensions_stay_open(self, loaded):
        model = loaded("sequential_lstm")
        for batch, tokens in [(1, 1), (2, 3), (5, 40)]:
            found = ask(model, inputs=tf.ones((batch, tokens), tf.int32))
            assert found["scores"].shape == found["mask"].shape == (batch, tokens)
            assert found["predictions"].shape == (batch, 3)
            for name in ("target", "output", "baseline_output", "convergence_delta"):
                assert found[name].shape == (batch,), name

    def test_a_class_can_be_asked_for(self, models, exported):
        model = tf.saved_model.load(str(exported("sequential_lstm")))
        (name,) = model.signatures["attributions"].structured_input_signature[1]
        targets = [0, 1, 2, -1, 2, -1]
        request = {name: ids(), "target": tf.constant(targets)}
        found = ask(model, "attributions_with_target", **request)
        predicted = models("sequential_lstm")(ids()).numpy().argmax(1)
        meant = [int(p) if t < 0 else t for t, p in zip(targets, predicted, strict=True)]
        np.testing.assert_array_equal(found["target"], meant)
        live = tfs.explain(models("sequential_lstm"), ids(), AUTO, target=meant)
        np.testing.assert_allclose(found["scores"], live.scores, atol=1e-5)

    def test_tokens_are_strings_where_a_vocabulary_is_known(self, loaded):
        found = ask(loaded("text_model"), inputs=tf.constant(["w1 w2 nonsense", "w3"]))
        assert found["tokens"].dtype == object
        assert found["tokens"][0, :4].tolist() == [b"w1", b"w2", b"[UNK]", b""]
        assert found["mask"].sum(axis=1).tolist() == [3, 1]

    def test_segments_are_told_apart(self, models, loaded):
        request = {
            "premise": ids(),
            "hypothesis": tf.constant(helpers.ids(6, width=7, seed=5)),
        }
        found = ask(loaded("two_segments"), **request)
        # Names in the order of the columns, as a live explanation has them.
        live = tfs.explain(models("two_segments"), request, AUTO)
        np.testing.assert_allclose(found["scores"], live.scores, atol=1e-5)
        for number, part in enumerate(live.segments.values()):
            assert (found["segments"][:, part] == number).all()

    def test_texts_for_a_model_of_ids(self, models, tmp_path):
        model = models("sequential_lstm")
        words = helpers.vectorizer()
        place = tfs.export_saved_model(model, tmp_path / "m", method=AUTO, tokenizer=words)
        served = tf.saved_model.load(str(place))
        found = ask(served, inputs=tf.constant(helpers.texts()))
        live = tfs.explain(model, helpers.texts(), AUTO, tokenizer=words)
        np.testing.assert_allclose(found["scores"], live.scores, atol=1e-5)
        assert found["tokens"][0, 0].decode() == live[0].tokens[0]
        # The model itself goes on to take ids.
        assert ask(served, "serving_default", inputs=ids())["output_0"].shape == (6, 3)

    @pytest.mark.parametrize(
        ("target", "held"),
        [
            (2, True),
            (tfs.targets.Probability(), True),
            (tfs.targets.LogProbability(1), True),
            (tfs.targets.Margin(0, "predicted"), False),
            (tfs.targets.Custom(lambda outputs: outputs[:, 1] - outputs[:, 0]), False),
        ],
    )
    def test_targets(self, models, tmp_path, target, target_indices):
        model = models("sequential_lstm")
        place = tfs.export_saved_model(model, tmp_path / "m", method=AUTO, target=target)
        served = tf.saved_model.load(str(place))
        found = ask(served, inputs=ids())
        live = tfs.explain(model, ids(), AUTO, target=target)
        np.testing.assert_allclose(found["scores"], live.scores, atol=1e-5)
        np.testing.assert_allclose(found["output"], live.output, atol=1e-5)
        assert ("attributions_with_target" in served.signatures) is target_indices
        assert ("target" in found) is target_indices

    @pytest.mark.parametrize(
        ("keywords", "rows"),
        # Each path in every other way to chunk it, each way with every other path.
        [
            (keywords, rows)
            for number, keywords in enumerate(
                [
                    {"baseline": "mean"},
                    {"baseline": 1, "keep_ids": [2, 3]},
                    {"baseline": np.linspace(-1, 1, 8)},
                    {"baseline": lambda embeddings: 0.5 * embeddings},
                    {"rule": "midpoint", "steps": 9},
                    {"rule": "lit", "steps": 9},
                    {"rule": "gauss_legendre", "steps": 5},
                    {"steps": 7},
                    {"max_steps": 8, "tolerance": 1e-9},
                ]
            )
            for way, rows in enumerate(
                [{}, {"max_rows": 1}, {"max_rows": 8, "jit_compile": True}, {"max_rows": 7}]
            )
            if (number + way) % 2 == 0
        ],
        ids=helpers.printed,
    )
    def test_paths_in_any_chunks(self, models, tmp_path, keywords, rows):
        model = models("convolution")
        method = tfs.IntegratedGradients(**keywords)
        place = tfs.export_saved_model(model, tmp_path / "m", method=method, **rows)
        found = ask(tf.saved_model.load(str(place)), inputs=ids())
        with pytest.warns() if "max_steps" in keywords else _nothing():
            live = tfs.explain(model, ids(), method)
        assert "error_estimate" in found or live.error_estimate is None
        for name in ("scores", "baseline_output", "convergence_delta", "error_estimate"):
            if getattr(live, name) is not None:
                np.testing.assert_allclose(found[name], getattr(live, name), atol=1e-5)
        if keywords.get("steps", "auto") == "auto":
            np.testing.assert_array_equal(found["converged"], live.converged)
            np.testing.assert_array_equal(found["evaluations"], live.evaluations)

    def test_several_outputs(self, tmp_path):
        given = keras.Input((None,), dtype="int32", name="ids")
        hidden = keras.layers.GRU(4)(keras.layers.Embedding(30, 8)(given))
        heads = {name: keras.layers.Dense(2)(hidden) for name in ("mood", "topic")}
        model = keras.Model(given, heads)
        place = tfs.export_saved_model(
            model, tmp_path / "m", target=lambda outputs: outputs["topic"][:, 1]
        )
        found = ask(tf.saved_model.load(str(place)), ids=ids())
        assert {"predictions_mood", "predictions_topic"} <= set(found)

    def test_the_weights_are_those_of_the_export(self, tmp_path):
        model = helpers.weights_alive(helpers.convolution())
        before = tfs.explain(model, ids(), AUTO).scores
        place = tfs.export_saved_model(model, tmp_path / "m", method=AUTO)
        helpers.weights_alive(model, seed=9)
        found = ask(tf.saved_model.load(str(place)), inputs=ids())
        np.testing.assert_allclose(found["scores"], before, atol=1e-5)

    @pytest.mark.parametrize("name", ["functional_with_mask", "nested", "text_model"])
    def test_it_is_hardly_larger_than_the_model_alone(self, models, exported, tmp_path, name):
        models(name).export(tmp_path / "plain", verbose=False)
        plain, ours = size_of(tmp_path / "plain"), size_of(exported(name))
        assert ours <= max(1.1 * plain, plain + 2**20)


class _nothing:  # as pytest's own `warns`
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


class TestWithoutThisLibrary:
    def test_a_process_with_tensorflow_alone(self, exported, models, tmp_path):
        names = ["sequential_lstm", "functional_with_mask", "convolution", "text_model"]
        code = (
            "import json, sys\n"
            # Without these it can be nobody's help but TensorFlow's own.
            "sys.modules['tf_salience'] = sys.modules['keras'] = None\n"
            "import tensorflow as tf\n"
            "found = {}\n"
            "for name, (folder, request) in json.load(sys.stdin).items():\n"
            "    model = tf.saved_model.load(folder)\n"
            "    function = model.signatures['attributions']\n"
            "    specs = function.structured_input_signature[1]\n"
            "    tensors = {k: tf.constant(v, specs[k].dtype) for k, v in request.items()}\n"
            "    found[name] = function(**tensors)['scores'].numpy().tolist()\n"
            "print(json.dumps(found))"
        )
        array = helpers.ids()
        given = {
            "functional_with_mask": (array, (array != 0).astype(np.int32)),
            "text_model": helpers.texts(),
        }
        requests = {}
        for name in names:
            inputs = given.get(name, array)
            leaves = inputs if isinstance(inputs, tuple) else (inputs,)
            keys = [tensor.name for tensor in models(name).inputs]
            values = [leaf if isinstance(leaf, list) else leaf.tolist() for leaf in leaves]
            requests[name] = (str(exported(name)), dict(zip(keys, values, strict=True)))
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for name, scores in json.loads(done.stdout.splitlines()[-1]).items():
            live = tfs.explain(models(name), given.get(name, array), AUTO)
            np.testing.assert_allclose(scores, live.scores, atol=1e-5, err_msg=name)

    @pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
    @pytest.mark.parametrize("name", ["sequential_lstm", "convolution"])
    def test_a_c_program(self, exported, models, tmp_path, name):
        home = Path(tf.sysconfig.get_lib())
        program = tmp_path / "served"
        built = subprocess.run(
            [
                "cc", "-O1", "-o", program, Path(__file__).with_name("served.c"),
                f"-I{tf.sysconfig.get_include()}", home / "libtensorflow_cc.so.2",
                home / "libtensorflow_framework.so.2", f"-Wl,-rpath,{home}",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert built.returncode == 0, built.stderr
        folder = exported(name)
        array = helpers.ids()
        (given,), answer = _tensor_names(folder, "attributions")
        done = subprocess.run(
            [program, folder, given, answer["scores"], *map(str, array.shape)],
            input=array.tobytes(),
            capture_output=True,
            check=False,
        )
        lines = done.stdout.decode().splitlines()
        scores, errors, last = lines[: array.size], lines[array.size : -1], lines[-1]
        assert done.returncode == 0, done.stderr
        live = tfs.explain(models(name), array, AUTO)
        np.testing.assert_allclose(np.array(scores, float), live.scores.ravel(), atol=1e-5)
        assert "must hold ids from 0 to 29" in errors[0]
        assert last == "lives"

    @pytest.mark.parametrize("name", ["sequential_lstm", "text_model"])
    def test_saved_model_cli(self, exported, models, tmp_path, name):
        folder = str(exported(name))
        command = [Path(sysconfig.get_path("scripts")) / "saved_model_cli"]
        shown = subprocess.run(
            [*command, "show", "--dir", folder, "--all"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert shown.returncode == 0, shown.stderr
        for signature in ("serving_default", "attributions", "attributions_with_target"):
            assert f"signature_def['{signature}']" in shown.stdout
        ((given, _),) = tfs.read_signature(folder)["signatures"]["attributions"]["inputs"].items()
        np.save(tmp_path / "ids.npy", np.array([[5, 6, 0]], np.int32))
        asked = {
            "sequential_lstm": ["--inputs", f"{given}={tmp_path / 'ids.npy'}"],
            "text_model": ["--input_exprs", f'{given}=["w3 w4"]'],
        }[name]
        ran = subprocess.run(
            [
                *command, "run", "--dir", folder, "--tag_set", "serve",
                "--signature_def", "attributions", *asked,
                "--outdir", tmp_path,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        given = ["w3 w4"] if name == "text_model" else [[5, 6, 0]]
        live = tfs.explain(models(name), given, AUTO)
        np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), live.scores, atol=1e-5)

    def test_many_threads_at_once(self, loaded):
        function = loaded("sequential_lstm").signatures["attributions"]
        (name,) = function.structured_input_signature[1]
        requests = [tf.constant(helpers.ids(1 + n % 5, seed=n)) for n in range(40)]
        expected = [function(**{name: one})["scores"].numpy() for one in requests]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda one: function(**{name: one})["scores"].numpy(), requests))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def _tensor_names(folder, signature):
    """The names in the graph: of the inputs, and of the outputs by their key."""
    content = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    found = content.meta_graphs[0].signature_def[signature]
    outputs = {key: info.name for key, info in found.outputs.items()}
    return [info.name for info in found.inputs.values()], outputs


class TestBadRequests:
    @pytest.mark.parametrize(
        ("name", "inputs", "message"),
        [
            ("sequential_lstm", [[99, 2]], r"must hold ids from 0 to 29"),
            ("sequential_lstm", [[-1, 2]], r"must hold ids from 0 to 29"),
            ("sequential_lstm", np.zeros((0, 4)), r"`keras_tensor.*must hold at least one example"),
            ("sequential_lstm", np.zeros((2, 0)), r"There is nothing to explain: no example of `k"),
            ("text_model", [b"w1 \xff w2"], r"`keras_tensor.*must be UTF-8"),
            ("text_model", [], r"must hold at least one example"),
        ],
    )
    def test_ids_and_texts(self, loaded, name, inputs, message):
        kind = tf.string if name == "text_model" else tf.int32
        model = loaded(name)
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            ask(model, inputs=tf.constant(inputs, kind))
        # The next request is right.
        good = tf.constant(["w1"]) if name == "text_model" else ids()
        assert np.isfinite(ask(model, inputs=good)["scores"]).all()

    def test_texts_without_a_token(self, tmp_path):
        text = keras.Input((), dtype="string", name="text")
        words = keras.layers.TextVectorization(vocabulary=helpers.WORDS)
        hidden = keras.layers.GRU(4)(keras.layers.Embedding(30, 8, mask_zero=True)(words(text)))
        model = keras.Model(text, keras.layers.Dense(2)(hidden))
        served = tf.saved_model.load(str(tfs.export_saved_model(model, tmp_path / "m")))
        with pytest.raises(tf.errors.InvalidArgumentError, match="no example of `text` has a tok"):
            ask(served, text=tf.constant(["", ""]))
        found = ask(served, text=tf.constant(["w1", ""]))
        assert found["mask"].tolist() == [[True], [False]]
        assert found["scores"][1] == 0

    @pytest.mark.parametrize(
        ("name", "inputs"),
        [
            ("convolution", [1, 2]),
            ("convolution", 3),
            ("text_model", "w1"),
            ("text_model", [["w"]]),
        ],
    )
    def test_the_wrong_number_of_axes(self, loaded, name, inputs):
        kind = tf.string if name == "text_model" else tf.int32
        with pytest.raises(tf.errors.InvalidArgumentError, match="Shape of tensor keras_tensor"):
            ask(loaded(name), inputs=tf.constant(inputs, kind))

    @pytest.mark.parametrize("target", [1, [[1]]])
    def test_the_wrong_number_of_axes_of_a_target(self, loaded, target):
        model = loaded("convolution")
        (name,) = model.signatures["attributions"].structured_input_signature[1]
        request = {name: ids(1), "target": tf.constant(target)}
        with pytest.raises(tf.errors.InvalidArgumentError, match="Shape of tensor target"):
            ask(model, "attributions_with_target", **request)

    def test_too_many_tokens(self, loaded):
        long = tf.ones((1, 10_000), tf.int32)
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="`(token_ids|padding_mask)` must be 10 wide"
        ):
            ask(loaded("functional_with_mask"), token_ids=long, padding_mask=long)

    def test_batches_that_differ(self, loaded):
        with pytest.raises(tf.errors.InvalidArgumentError, match="as many examples as"):
            ask(loaded("two_segments"), premise=ids(2), hypothesis=ids(3))

    @pytest.mark.parametrize("target", [[3], [-2], [0, 0]])
    def test_a_target_out_of_range(self, loaded, target):
        model = loaded("sequential_lstm")
        (name,) = model.signatures["attributions"].structured_input_signature[1]
        with pytest.raises(tf.errors.InvalidArgumentError, match="`target` must"):
            ask(
                model,
                "attributions_with_target",
                **{name: ids(1), "target": tf.constant(target, tf.int32)},
            )

    def test_numbers_that_are_none(self, tmp_path):
        given = keras.Input((None,), dtype="int32", name="ids")
        weight = keras.Input((1,), name="weight")
        pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(30, 8)(given))
        model = keras.Model([given, weight], keras.layers.Dense(2)(pooled) * weight)
        served = tf.saved_model.load(str(tfs.export_saved_model(model, tmp_path / "m")))
        with pytest.raises(tf.errors.InvalidArgumentError, match="`weight` must be finite"):
            ask(served, ids=ids(1), weight=tf.constant([[np.nan]]))
        assert ask(served, ids=ids(1), weight=tf.constant([[2.0]]))["scores"].any()

    def test_positions_that_run_out(self, tmp_path):
        given = keras.Input((None,), dtype="int32", name="ids")
        places = keras.ops.cumsum(keras.ops.ones_like(given), axis=1) - 1
        hidden = keras.layers.Embedding(30, 8, name="tokens")(given)
        hidden = hidden + keras.layers.Embedding(16, 8, name="position_embedding")(places)
        pooled = keras.layers.GlobalAveragePooling1D()(hidden)
        model = keras.Model(given, keras.layers.Dense(2)(pooled))
        served = tf.saved_model.load(str(tfs.export_saved_model(model, tmp_path / "m")))
        with pytest.raises(tf.errors.InvalidArgumentError, match="positions, `ids` must be short"):
            ask(served, ids=tf.ones((1, 17), tf.int32))
        assert ask(served, ids=tf.ones((1, 16), tf.int32))["scores"].shape == (1, 16)


class TestFiles:
    def test_versions(self, models, tmp_path):
        model = models("convolution")
        for version in (2, 10):
            place = tfs.export_saved_model(
                model, tmp_path, method=tfs.IntegratedGradients(steps=version), version=version
            )
            assert place == tmp_path / str(version)
        assert tfs.read_signature(tmp_path)["method"]["config"]["steps"] == 10
        assert sorted(one.name for one in tmp_path.iterdir()) == ["10", "2"]

    def test_what_is_there_is_kept_unless_told_otherwise(self, models, tmp_path):
        model, place = models("convolution"), tmp_path / "m"
        tfs.export_saved_model(model, place, method="gradient_norm")
        with pytest.raises(FileExistsError, match="`overwrite=True`"):
            tfs.export_saved_model(model, place)
        assert tfs.read_signature(place)["method"]["class_name"] == "gradient_norm"
        tfs.export_saved_model(model, place, method="gradient_dot_input", overwrite=True)
        assert tfs.read_signature(place)["method"]["class_name"] == "gradient_dot_input"
        assert [one.name for one in tmp_path.iterdir()] == ["m"]

    def test_only_a_saved_model_is_replaced(self, models, tmp_path, monkeypatch):
        model = models("convolution")
        tfs.export_saved_model(model, tmp_path / "m", version=1)
        with pytest.raises(FileExistsError, match="pass `version=`"):
            tfs.export_saved_model(model, tmp_path / "m", overwrite=True)
        assert tfs.read_signature(tmp_path / "m")
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        for place in (".", ".."):
            with pytest.raises(FileExistsError, match="must not be the working directory"):
                tfs.export_saved_model(model, place, overwrite=True)
        assert tfs.export_saved_model(model, "relative").is_dir()
        (tmp_path / "link").symlink_to(tmp_path / "m")
        with pytest.raises(FileExistsError, match="file or link"):
            tfs.export_saved_model(model, tmp_path / "link", overwrite=True)

    def test_an_interrupt_between_two_renames_brings_the_old_back(
        self, models, tmp_path, monkeypatch
    ):
        tfs.export_saved_model(models("convolution"), tmp_path / "m", method="gradient_norm")
        rename = Path.rename

        def late(self, target):
            done = rename(self, target)
            if Path(target).name == "old":
                raise KeyboardInterrupt
            return done

        monkeypatch.setattr(Path, "rename", late)
        with pytest.raises(KeyboardInterrupt):
            tfs.export_saved_model(models("convolution"), tmp_path / "m", overwrite=True)
        monkeypatch.undo()
        assert tfs.read_signature(tmp_path / "m")["method"]["class_name"] == "gradient_norm"
        assert [one.name for one in tmp_path.iterdir()] == ["m"]

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_a_failure_leaves_nothing(self, models, tmp_path, monkeypatch, error):
        def fail(*_):
            raise error("half-way")

        monkeypatch.setattr(export.archive.manifest, "write", fail)
        model = models("convolution")
        with pytest.raises(error):
            tfs.export_saved_model(model, tmp_path / "new" / "m", version=1)
        assert list(tmp_path.iterdir()) == []
        monkeypatch.undo()
        tfs.export_saved_model(model, tmp_path / "m", method="gradient_norm")
        monkeypatch.setattr(export.archive.manifest, "write", fail)
        with pytest.raises(error):
            tfs.export_saved_model(model, tmp_path / "m", overwrite=True)
        assert tfs.read_signature(tmp_path / "m")["method"]["class_name"] == "gradient_norm"
        assert [one.name for one in tmp_path.iterdir()] == ["m"]

    def test_a_failure_leaves_the_model_as_it_was(self, models, tmp_path, monkeypatch):
        model = models("sequential_lstm")
        before = model(ids()).numpy()
        monkeypatch.setattr(export.archive.Answer, "__call__", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tfs.export_saved_model(model, tmp_path / "m")
        np.testing.assert_array_equal(model(ids()), before)
        model.save(tmp_path / "model.keras")

    def test_it_says_how_the_numbers_were_made(self, exported):
        found = tfs.read_signature(exported("two_segments"))
        assert found["method"]["config"]["steps"] == "auto"
        assert found["method"]["config"]["baseline"] == "zeros"
        assert found["method"]["config"]["tolerance"] == 0.02
        assert sorted(found["segments"]) == ["hypothesis", "premise"]
        attributions = found["signatures"]["attributions"]
        assert attributions["inputs"]["premise"] == {"dtype": "int32", "shape": [None, None]}
        assert attributions["outputs"]["scores"]["dtype"] == "float32"
        assert set(found["signatures"]) == {
            "serve",
            "serving_default",
            "attributions",
            "attributions_with_target",
        }

    def test_reading_it_needs_no_tensorflow(self, exported):
        code = (
            "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
            "import tf_salience as tfs\n"
            f"print(tfs.read_signature({str(exported('convolution'))!r})['model'])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()

    def test_other_folders_are_refused(self, models, tmp_path):
        with pytest.raises(FileNotFoundError, match="There is no SavedModel"):
            tfs.read_signature(tmp_path)
        models("convolution").export(tmp_path / "plain", verbose=False)
        with pytest.raises(ValueError, match="does not say how to explain itself"):
            tfs.read_signature(tmp_path / "plain")
        file = tmp_path / "file"
        file.touch()
        with pytest.raises(FileExistsError, match="must be a directory"):
            tfs.export_saved_model(models("convolution"), file, overwrite=True)

    def test_warm_up_requests_are_what_the_signatures_take(self, models, loaded, tmp_path):
        pytest.importorskip("tensorflow_serving", reason="the extra `serving` is not installed")
        from tensorflow_serving.apis import prediction_log_pb2

        place = tfs.export_saved_model(
            models("text_model"), tmp_path / "m", warm_up=["w1 w2", "w3"]
        )
        served = tf.saved_model.load(str(place))
        records = tf.data.TFRecordDataset(
            str(place / "assets.extra" / "tf_serving_warmup_requests")
        )
        asked = []
        for record in records:
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            request = log.predict_log.request
            inputs = {key: tf.constant(tf.make_ndarray(x)) for key, x in request.inputs.items()}
            asked.append(request.model_spec.signature_name)
            assert served.signatures[asked[-1]](**inputs)
        assert asked == ["serving_default", "attributions"]

    @pytest.mark.parametrize(
        ("name", "examples"),
        [("text_model", [b"\xff"]), ("sequential_lstm", np.full((1, 4), 99))],
    )
    def test_warm_up_requests_are_run(self, models, tmp_path, name, examples):
        pytest.importorskip("tensorflow_serving", reason="the extra `serving` is not installed")
        with pytest.raises(ValueError, match="`warm_up` must hold examples that the model takes"):
            tfs.export_saved_model(models(name), tmp_path / "m", warm_up=examples)
        assert list(tmp_path.iterdir()) == []

    def test_the_example_prints_requests_that_are_taken(self, models, tmp_path, monkeypatch):
        pytest.importorskip("tensorflow_serving", reason="the extra `serving` is not installed")
        from google.protobuf import text_format
        from tensorflow_serving.apis import predict_pb2

        monkeypatch.syspath_prepend(Path(__file__).parents[2] / "examples" / "serve")
        import make_requests

        place = tfs.export_saved_model(models("text_model"), tmp_path / "m", method=AUTO)
        served = tf.saved_model.load(str(place))
        for name, sides in tfs.read_signature(place)["signatures"].items():
            values = make_requests.example_inputs(sides["inputs"])
            body = json.loads(make_requests.rest_body(name, values))
            specs = served.signatures[name].structured_input_signature[1]
            by_rest = served.signatures[name](
                **{
                    key: tf.constant(value, specs[key].dtype)
                    for key, value in body["inputs"].items()
                }
            )
            text = make_requests.grpc_request("m", name, sides["inputs"], values)
            request = text_format.Parse(text, predict_pb2.PredictRequest())
            assert request.model_spec.signature_name == name
            by_grpc = served.signatures[name](
                **{key: tf.constant(tf.make_ndarray(x)) for key, x in request.inputs.items()}
            )
            assert set(by_rest) == set(sides["outputs"])
            for key in by_rest:
                np.testing.assert_array_equal(by_rest[key], by_grpc[key])


class TestErrors:
    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"target": "label"}, "a request has no labels"),
            ({"target": [0, 1]}, "A `target` for each example cannot be exported"),
            ({"target": 7}, "must be a class index from 0 to 2"),
            ({"version": -1}, "`version` must be at least 0"),
            (
                {"method": tfs.IntegratedGradients(baseline=lambda e: 0.5 * np.asarray(e))},
                "must be made of TensorFlow operations",
            ),
            (
                {"tokenizer": keras.layers.TextVectorization(vocabulary=[*map(str, range(99))])},
                "a vocabulary of 101, more than there are embeddings for",
            ),
            ({"max_rows": 0}, "`max_rows` must be a positive integer"),
            ({"method": tfs.IntegratedGradients(baseline=np.zeros((2, 4, 8)))}, "each example"),
            ({"method": tfs.IntegratedGradients(baseline=np.zeros((4, 8)))}, "each token needs"),
            ({"input_signature": tf.TensorSpec((None, 4, 4), "int32")}, "cannot be traced"),
        ],
        ids=helpers.printed,
    )
    def test_what_cannot_be_exported(self, models, tmp_path, keywords, message):
        with pytest.raises(ValueError, match=message):
            tfs.export_saved_model(models("sequential_lstm"), tmp_path / "m", **keywords)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"version": "1"}, "`version` must be a number"),
            ({"jit_compile": "auto"}, "`jit_compile` must be True or False"),
            ({"input_signature": "ids"}, "`input_signature` must be a nest"),
        ],
        ids=helpers.printed,
    )
    def test_other_kinds_of_arguments(self, models, tmp_path, keywords, message):
        with pytest.raises(TypeError, match=message):
            tfs.export_saved_model(models("sequential_lstm"), tmp_path / "m", **keywords)

    def test_a_tokenizer_of_another_width(self, models, tmp_path):
        given = keras.Input((6,), dtype="int32", name="ids")
        pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(30, 8)(given))
        model = keras.Model(given, keras.layers.Dense(2)(pooled))
        with pytest.raises(ValueError, match=r"gives ids of shape \(None, 10\).*`ids` of shape"):
            tfs.export_saved_model(model, tmp_path / "m", tokenizer=helpers.vectorizer())
        assert list(tmp_path.iterdir()) == []

    def test_xla_takes_no_strings(self, models, tmp_path):
        with pytest.raises(ValueError, match="XLA takes no strings"):
            tfs.export_saved_model(models("text_model"), tmp_path / "m", jit_compile=True)

    def test_a_remote_folder(self, models):
        with pytest.raises(ValueError, match="must be a local directory"):
            tfs.export_saved_model(models("convolution"), "gs://bucket/model")

    def test_keys_that_are_names_of_others(self, tmp_path):
        one, two = (keras.Input((None,), dtype="int32", name=name) for name in "ba")
        embed = keras.layers.Embedding(30, 8)
        both = keras.layers.Concatenate()([keras.layers.GRU(4)(embed(x)) for x in (one, two)])
        model = keras.Model({"a": one, "b": two}, keras.layers.Dense(2)(both))
        with pytest.raises(ValueError, match="the name of another input"):
            tfs.export_saved_model(model, tmp_path / "m")

    @pytest.mark.parametrize("name", ["target", "Target", "my input"])
    def test_an_input_called_target(self, tmp_path, name):
        given = keras.Input((None,), dtype="int32", name=name)
        pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(30, 8)(given))
        model = keras.Model(given, keras.layers.Dense(2)(pooled))
        with pytest.raises(ValueError, match="`target` is the name of what is explained"):
            tfs.export_saved_model(model, tmp_path / "m")

    def test_warm_up_without_its_extra(self, models, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
        with pytest.raises(ImportError, match=r"tf-salience\[serving\]"):
            tfs.export_saved_model(models("convolution"), tmp_path / "m", warm_up=helpers.ids())
        assert list(tmp_path.iterdir()) == []
