"""SavedModels that explain themselves, used without this library as servers use them."""

import concurrent.futures
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import helpers
import model_checks
import model_zoo
import numpy as np
import pytest
import serving
import tensorflow as tf
from serving import ids, request
from tensorflow.core.protobuf import saved_model_pb2

import tf_salience as tfs


class TestSignatures:
    def test_the_model_predicts_as_before(self, models, loaded):
        model = models("sequential_lstm")
        results = request(loaded("sequential_lstm"), "serving_default", inputs=ids())
        np.testing.assert_allclose(results["output_0"], model(ids()), rtol=1e-6)
        np.testing.assert_allclose(loaded("sequential_lstm").serve(ids()), model(ids()), rtol=1e-6)

    @pytest.mark.parametrize(("batch", "tokens"), [(1, 1), (2, 3), (5, 40)])
    def test_dimensions_stay_open(self, loaded, batch, tokens):
        inputs = tf.ones((batch, tokens), tf.int32)
        results = request(loaded("sequential_lstm"), inputs=inputs)
        assert results["scores"].shape == results["mask"].shape == (batch, tokens)
        assert results["predictions"].shape == (batch, 3)
        for name in ("target", "output", "baseline_output", "convergence_delta"):
            assert results[name].shape == (batch,), name

    def test_a_request_may_name_the_classes(self, models, loaded, auto):
        model, targets = loaded("sequential_lstm"), [0, 1, 2, -1, 2, -1]
        results = request(
            model, "attributions_with_target", inputs=ids(), target=tf.constant(targets)
        )
        predicted = models("sequential_lstm")(ids()).numpy().argmax(1)
        explained = np.where(np.array(targets) < 0, predicted, targets)
        np.testing.assert_array_equal(results["target"], explained)
        live = tfs.explain(models("sequential_lstm"), ids(), auto, target=explained)
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-5)

    def test_texts_for_a_model_of_ids(self, models, tmp_path, auto):
        model, vectorizer = models("sequential_lstm"), helpers.vectorizer()
        folder = tfs.export_saved_model(model, tmp_path / "m", method=auto, tokenizer=vectorizer)
        loaded = serving.load(folder)
        results = request(loaded, inputs=tf.constant(helpers.texts()))
        live = tfs.explain(model, helpers.texts(), auto, tokenizer=vectorizer)
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-5)
        assert results["tokens"][0, 0].decode() == live[0].tokens[0]
        # The model itself still takes ids.
        assert request(loaded, "serving_default", inputs=ids())["output_0"].shape == (6, 3)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("target", "has_single_class"),
        [
            (2, True),
            (tfs.targets.Probability(), True),
            (tfs.targets.LogProbability(1), True),
            (tfs.targets.Margin(0, "predicted"), False),
            (tfs.targets.Custom(lambda outputs: outputs[:, 1] - outputs[:, 0]), False),
        ],
    )
    def test_targets(self, models, tmp_path, auto, target, has_single_class):
        model = models("sequential_lstm")
        folder = tfs.export_saved_model(model, tmp_path / "m", method=auto, target=target)
        loaded = serving.load(folder)
        results = request(loaded, inputs=ids())
        live = tfs.explain(model, ids(), auto, target=target)
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-5)
        np.testing.assert_allclose(results["output"], live.output, atol=1e-5)
        assert ("attributions_with_target" in loaded.signatures) is has_single_class
        assert ("target" in results) is has_single_class

    def test_one_of_several_outputs(self, tmp_path):
        model = model_zoo.build("head_of_a_dict")
        folder = tfs.export_saved_model(
            model, tmp_path / "m", method="gradient_dot_input", output="topic"
        )
        results = request(serving.load(folder), inputs=ids())
        live = tfs.explain(model, ids(), "gradient_dot_input", output="topic")
        np.testing.assert_allclose(results["scores"], live.scores, atol=1e-6)
        np.testing.assert_array_equal(results["target"], live.target)

    def test_the_weights_are_those_of_the_export(self, tmp_path, auto):
        model = helpers.weights_alive(helpers.convolution())
        before = tfs.explain(model, ids(), auto).scores
        folder = tfs.export_saved_model(model, tmp_path / "m", method=auto)
        helpers.weights_alive(model, seed=9)
        results = request(serving.load(folder), inputs=ids())
        np.testing.assert_allclose(results["scores"], before, atol=1e-5)

    @pytest.mark.parametrize("name", ["functional_with_mask", "nested", "text_model"])
    def test_it_is_hardly_larger_than_the_model_alone(self, models, exported, tmp_path, name):
        models(name).export(tmp_path / "plain", verbose=False)
        plain, explaining = size_of(tmp_path / "plain"), size_of(exported(name))
        # 1.04 MiB more for the nested model on 2026-11-25, with the check of a node off the grid.
        assert explaining <= max(1.1 * plain, plain + 1.1 * 2**20)


def size_of(folder):
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())


@pytest.mark.slow
class TestWithoutThisLibrary:
    def test_a_process_with_tensorflow_alone(self, exported, models, auto):
        code = (
            "import json, sys\n"
            # Importing these fails, so that they cannot help.
            "sys.modules['tf_salience'] = sys.modules['keras'] = None\n"
            "import tensorflow as tf\n"
            "scores = {}\n"
            "for name, (folder, request) in json.load(sys.stdin).items():\n"
            "    model = tf.saved_model.load(folder)\n"
            "    function = model.signatures['attributions']\n"
            "    specs = function.structured_input_signature[1]\n"
            "    tensors = {k: tf.constant(v, specs[k].dtype) for k, v in request.items()}\n"
            "    scores[name] = function(**tensors)['scores'].numpy().tolist()\n"
            "print(json.dumps(scores))"
        )
        ids = helpers.ids()
        inputs = {
            "sequential_lstm": (ids,),
            "functional_with_mask": (ids, (ids != 0).astype(np.int32)),
            "convolution": (ids,),
            "text_model": (np.array(helpers.texts(), object),),
        }
        requests = {}
        for name, arrays in inputs.items():
            keys = [tensor.name for tensor in models(name).inputs]
            values = [array.tolist() for array in arrays]
            requests[name] = (str(exported(name)), dict(zip(keys, values, strict=True)))
        process = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        for name, scores in json.loads(process.stdout.splitlines()[-1]).items():
            arrays = inputs[name]
            live = tfs.explain(models(name), arrays[0] if len(arrays) == 1 else arrays, auto)
            np.testing.assert_allclose(scores, live.scores, atol=1e-5, err_msg=name)

    @pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
    @pytest.mark.parametrize("name", ["sequential_lstm", "convolution"])
    def test_a_c_program(self, exported, models, tmp_path, auto, name):
        libraries = Path(tf.sysconfig.get_lib())
        program = tmp_path / "served"
        compiler = subprocess.run(
            [
                "cc", "-O1", "-o", program, Path(__file__).with_name("served.c"),
                f"-I{tf.sysconfig.get_include()}", libraries / "libtensorflow_cc.so.2",
                libraries / "libtensorflow_framework.so.2", f"-Wl,-rpath,{libraries}",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert compiler.returncode == 0, compiler.stderr
        folder, array = exported(name), helpers.ids()
        content = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        signature = content.meta_graphs[0].signature_def["attributions"]
        (input_info,) = signature.inputs.values()
        process = subprocess.run(
            [program, folder, input_info.name, signature.outputs["scores"].name,
             *map(str, array.shape)],
            input=array.tobytes(), capture_output=True, check=False,
        )  # fmt: skip
        lines = process.stdout.decode().splitlines()
        scores, errors, last = lines[: array.size], lines[array.size : -1], lines[-1]
        assert process.returncode == 0, process.stderr
        live = tfs.explain(models(name), array, auto)
        np.testing.assert_allclose(np.array(scores, float), live.scores.ravel(), atol=1e-5)
        assert "must hold ids from 0 to 29" in errors[0]
        assert last == "the next request is answered"

    @pytest.mark.parametrize("name", ["sequential_lstm", "text_model"])
    def test_saved_model_cli(self, exported, models, tmp_path, auto, name):
        folder = str(exported(name))
        command = [Path(sysconfig.get_path("scripts")) / "saved_model_cli"]
        show = subprocess.run(
            [*command, "show", "--dir", folder, "--all"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert show.returncode == 0, show.stderr
        for signature in ("serving_default", "attributions", "attributions_with_target"):
            assert f"signature_def['{signature}']" in show.stdout
        (key,) = tfs.read_signature(folder)["signatures"]["attributions"]["inputs"]
        np.save(tmp_path / "ids.npy", np.array([[5, 6, 0]], np.int32))
        arguments = {
            "sequential_lstm": ["--inputs", f"{key}={tmp_path / 'ids.npy'}"],
            "text_model": ["--input_exprs", f'{key}=["w3 w4"]'],
        }[name]
        run = subprocess.run(
            [
                *command, "run", "--dir", folder, "--tag_set", "serve",
                "--signature_def", "attributions", *arguments, "--outdir", tmp_path,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        live = tfs.explain(models(name), ["w3 w4"] if name == "text_model" else [[5, 6, 0]], auto)
        np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), live.scores, atol=1e-5)

    def test_many_threads_at_once(self, loaded):
        function = loaded("sequential_lstm").signatures["attributions"]
        (name,) = function.structured_input_signature[1]
        requests = [tf.constant(helpers.ids(1 + n % 5, seed=n)) for n in range(40)]

        def scores_of(inputs):
            return function(**{name: inputs})["scores"].numpy()

        expected = [scores_of(inputs) for inputs in requests]
        with concurrent.futures.ThreadPoolExecutor(8) as executor:
            results = list(executor.map(scores_of, requests))
        for scores, expected_scores in zip(results, expected, strict=True):
            np.testing.assert_allclose(scores, expected_scores, atol=1e-6)


class TestFolder:
    def test_a_saved_model_is_replaced_where_the_user_says_so(self, models, tmp_path):
        model, folder = models("convolution"), tmp_path / "m"
        tfs.export_saved_model(model, folder, method="gradient_norm")
        with pytest.raises(FileExistsError, match="`overwrite=True`"):
            tfs.export_saved_model(model, folder)
        assert tfs.read_signature(folder)["method"]["class_name"] == "gradient_norm"
        tfs.export_saved_model(model, folder, method="gradient_dot_input", overwrite=True)
        assert tfs.read_signature(folder)["method"]["class_name"] == "gradient_dot_input"
        assert [path.name for path in tmp_path.iterdir()] == ["m"]

    def test_versions_are_not_replaced_by_a_model(self, models, tmp_path):
        tfs.export_saved_model(models("convolution"), tmp_path / "m", version=1)
        with pytest.raises(FileExistsError, match="pass `version=`"):
            tfs.export_saved_model(models("convolution"), tmp_path / "m", overwrite=True)
        assert tfs.read_signature(tmp_path / "m")

    def test_a_relative_path(self, models, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        folder = tfs.export_saved_model(models("convolution"), "m", method="gradient_norm")
        assert (tmp_path / "m" / "saved_model.pb").exists()
        assert folder.is_dir()

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_a_failure_leaves_the_folder_as_it_was(self, models, tmp_path, monkeypatch, error):
        def fail(*_):
            raise error("half-way")

        model, write = models("convolution"), "tf_salience.export.metadata.write"
        with monkeypatch.context() as patch:
            patch.setattr(write, fail)
            with pytest.raises(error):
                tfs.export_saved_model(model, tmp_path / "new" / "m", version=1)
        assert list(tmp_path.iterdir()) == []
        tfs.export_saved_model(model, tmp_path / "m", method="gradient_norm")
        monkeypatch.setattr(write, fail)
        with pytest.raises(error):
            tfs.export_saved_model(model, tmp_path / "m", overwrite=True)
        assert tfs.read_signature(tmp_path / "m")["method"]["class_name"] == "gradient_norm"
        assert [path.name for path in tmp_path.iterdir()] == ["m"]

    def test_a_failure_leaves_the_model_as_it_was(self, models, tmp_path):
        def failing(_):
            raise ZeroDivisionError

        model = models("sequential_lstm")
        method = tfs.IntegratedGradients(baseline=failing)
        with model_checks.unchanged(model, ids()), pytest.raises(ZeroDivisionError):
            tfs.export_saved_model(model, tmp_path / "m", method=method)
        assert list(tmp_path.iterdir()) == []
        model.save(tmp_path / "model.keras")


def test_the_example_prints_requests_that_are_taken(models, tmp_path, monkeypatch, auto):
    pytest.importorskip("tensorflow_serving", reason="the extra `serving` is not installed")
    from google.protobuf import text_format
    from tensorflow_serving.apis import predict_pb2

    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "examples" / "serve")
    import make_requests

    folder = tfs.export_saved_model(models("text_model"), tmp_path / "m", method=auto)
    loaded = serving.load(folder)
    for name, signature in tfs.read_signature(folder)["signatures"].items():
        values = make_requests.example_inputs(signature["inputs"])
        body = json.loads(make_requests.rest_body(name, values))
        specs = loaded.signatures[name].structured_input_signature[1]
        inputs = {key: tf.constant(x, specs[key].dtype) for key, x in body["inputs"].items()}
        by_rest = request(loaded, name, **inputs)
        text = make_requests.grpc_request("m", name, signature["inputs"], values)
        message = text_format.Parse(text, predict_pb2.PredictRequest())
        assert message.model_spec.signature_name == name
        inputs = {key: tf.constant(tf.make_ndarray(x)) for key, x in message.inputs.items()}
        by_grpc = request(loaded, name, **inputs)
        assert set(by_rest) == set(signature["outputs"])
        for key in by_rest:
            np.testing.assert_array_equal(by_rest[key], by_grpc[key])
