"""What is checked of each model of the page "Works on", by the public interface."""

import ast
import contextlib
import io
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import keras_io_models
import model_checks
import numpy as np
import tensorflow as tf
from works_on_by_hand import ByHand

import tf_salience as tfs

#: The most that a figure may be.
LIMITS = {"completeness": 1e-2, "finite difference": 1e-2, "export": 1e-5}
#: Targets at a place among the tokens, which each request has elsewhere.
_PLACES = (tfs.targets.Span, tfs.targets.Position)


@dataclass
class Findings:
    """What was seen of a model.

    Attributes:
        name: of the case.
        embeddings: the layers that were taken.
        arguments: those of the printed call, as they are printed.
        target: the name of what was explained, in the first example.
        figures: the worst of the examples, by the names of `LIMITS`, and "padding": the share of
            sum |scores| that padding has.
        converged: (batch,), what integrated gradients say of themselves.
        is_logged: whether the callback logged every example.
        failures: what does not work.
        seconds: of the processor, for all of it.
    """

    name: str
    embeddings: str = ""
    arguments: str = ""
    target: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    converged: list[bool] = field(default_factory=list)
    is_logged: bool = False
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Notes what goes wrong in a step, so that the others go on."""
        try:
            yield
        except Exception as error:  # whatever it is, the page says it
            text = " ".join(str(error).split()) or type(error).__name__
            self.failures.append(f"{name}: {text[:400]}")

    def judge(self, path: str) -> None:
        """Notes the figures beyond their limits; `path` is as `Case` has it."""
        if path == "smooth" and not all(self.converged):
            self.failures.append("explain: integrated gradients did not converge")
        for name, limit in LIMITS.items():
            figure = self.figures.get(name, 0.0)
            is_told = name == "completeness" and path == "jumps" and not all(self.converged)
            if not (figure <= limit or is_told):
                self.failures.append(f"{name}: {figure:.1e}, where {limit:.0e} is the limit")


class Subject:
    """A model and its inputs, in the forms in which they are passed.

    Attributes:
        case: the case.
        model: its model.
        inputs: as a user passes them.
    """

    def __init__(self, name: str) -> None:
        self.case, self.model = keras_io_models.CASES[name], keras_io_models.build(name)
        self.inputs = self.case.inputs()
        self.said = self.case.said()

    @property
    def has_preprocessor(self) -> bool:
        """True for a task of KerasHub, which takes texts by its preprocessor."""
        return hasattr(self.model, "preprocessor")

    @property
    def is_symbolic(self) -> bool:
        """True for a model that has inputs before it is called."""
        return bool(getattr(self.model, "inputs", None))

    def arrays(self, continuation: str | None = None) -> Any:
        """Returns what `model(...)` takes, followed by a continuation where it has one."""
        if self.case.arrays is None:
            return _tensors(self.inputs)
        return _tensors(self.case.arrays(self.model, self.inputs, continuation or ""))

    def leaves(self, inputs: Any) -> dict[str, Any]:
        """Returns inputs under the names of the model's own, and under their keys in a dict."""
        flat = keras.tree.flatten(inputs if _is_nest(inputs) else np.asarray(inputs))
        by_key = dict(inputs) if isinstance(inputs, dict) else {}
        symbolic = keras.tree.flatten(self.model.input) if self.is_symbolic else []
        if len(symbolic) != len(flat):
            return {"inputs": flat[0], **by_key}
        return {tensor.name: leaf for tensor, leaf in zip(symbolic, flat, strict=True)} | by_key

    def state(self) -> list[np.ndarray]:
        """Returns what the model predicts, and its weights."""
        outputs = tf.nest.flatten(self.model(self.arrays(), training=False))
        return [np.array(array) for array in (*outputs, *self.model.get_weights())]


class PrintedCall:
    """The call that `inspect` prints.

    Attributes:
        arguments: the keyword arguments of `Explainer`, as they are printed.
        keywords: their values.
    """

    def __init__(self, subject: Subject) -> None:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            tfs.inspect(subject.model, **subject.said)
        _, title, code = output.getvalue().partition("To explain it\n")
        if not title:
            raise ValueError(f"no call was printed, but {output.getvalue()}")
        code = code.partition("\n\nRead on in the documentation\n")[0]
        self._subject, self._code = subject, textwrap.dedent(code)
        (call,) = (
            node
            for node in ast.walk(ast.parse(self._code))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "tfs.Explainer"
        )
        self.arguments = ", ".join(ast.unparse(keyword) for keyword in call.keywords)
        names = {"tfs": tfs, "model": subject.model, **subject.said}
        self.keywords: dict[str, Any] = eval(f"dict({self.arguments})", names)

    def run(self) -> tfs.Explainer:
        """Runs it, with the inputs under the names that it has for them."""
        subject = self._subject
        names = {"model": subject.model, **subject.said, **subject.leaves(subject.inputs)}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(self._code, names)
        scores = names["explanation"].scores
        if not np.isfinite(scores).all() or not scores.any():
            raise ValueError("all scores are zero, or some are no numbers")
        return names["explainer"]


def examine(name: str, folder: Path) -> Findings:
    """Builds a model, and runs `inspect` and its call, `explain`, the callback and the export.

    Args:
        name: of the case.
        folder: an empty one, for the log and the SavedModel.
    """
    findings, start = Findings(name), time.process_time()
    subject = Subject(name)
    state = subject.state()
    with findings.step("inspect"):
        printed = PrintedCall(subject)
        findings.arguments = printed.arguments
        explainer = tfs.Explainer(subject.model, **printed.keywords)
        with findings.step("the printed call"):
            explainer = printed.run()
        with findings.step("explain"):
            _check_numbers(findings, subject, explainer, printed.keywords)
        with findings.step("callback"):
            findings.is_logged = _logs_all(subject, printed.keywords, folder / "logs")
        with findings.step("export"):
            difference = _export_difference(subject, explainer, printed.keywords, folder / "m")
            findings.figures["export"] = difference
    if not all(map(np.array_equal, subject.state(), state)):
        findings.failures.append("the model: it predicts or weighs something else afterwards")
    findings.judge(subject.case.path)
    findings.seconds = time.process_time() - start
    return findings


def _check_numbers(
    findings: Findings, subject: Subject, explainer: tfs.Explainer, keywords: dict[str, Any]
) -> None:
    """Explains the inputs, and compares with what the model does at other embeddings."""
    target = keywords.get("target", "predicted")
    arrays = subject.arrays(getattr(target, "continuation", None))
    with model_checks.unchanged(subject.model, arrays):
        explanation = explainer(subject.inputs)
        findings.embeddings = ", ".join(explanation.config["embeddings"])
        findings.target = explanation.target_name[0]
        findings.figures["padding"] = float(explanation.padding_share.max())
        first_order = tfs.explain(subject.model, subject.inputs, "gradient_dot_input", **keywords)
    findings.converged = explanation.converged.tolist()
    by_hand = ByHand(
        subject.model,
        arrays,
        subject.leaves(arrays),
        explanation,
        target=target,
        output=keywords.get("output"),
    )
    np.testing.assert_allclose(explanation.output, by_hand.at(1.0), rtol=1e-4, atol=1e-5)
    change = by_hand.at(1.0) - by_hand.at(0.0)
    gaps = _relative(explanation, explanation.scores.sum(1) - change)
    findings.figures["completeness"] = gaps.max()
    if (gaps[explanation.converged] > LIMITS["completeness"]).any():
        findings.failures.append("explain: an example says that it converged, and did not")
    slopes = by_hand.slope_by(first_order.scores) - by_hand.slope()
    findings.figures["finite difference"] = _relative(first_order, slopes).max()


def _relative(explanation: tfs.Explanation, difference: Any) -> np.ndarray:
    """Returns |difference|, (batch,), relative to the sums of |scores|."""
    return np.abs(difference) / np.abs(explanation.scores).sum(1)


def _logs_all(subject: Subject, keywords: dict[str, Any], folder: Path) -> bool:
    """Returns whether the callback logs every example in an evaluation of one batch."""
    logger = tfs.SalienceLogger(folder, subject.inputs, on_error="raise", **keywords)
    model = subject.model
    if subject.has_preprocessor:
        model.compile(jit_compile=False)
        model.evaluate(_tensors(subject.inputs), callbacks=[logger], verbose=0)
    else:
        labels = model(subject.arrays())
        loss = keras.tree.map_structure(lambda _: "mse", labels)
        model.compile(loss=loss, jit_compile=False)
        model.evaluate(subject.arrays(), labels, callbacks=[logger], verbose=0)
    records = tfs.read_log(folder)
    examples = len(keras.tree.flatten(_tensors(subject.inputs))[0])
    return len(records) == examples and all(any(record["scores"]) for record in records)


def _export_difference(
    subject: Subject, explainer: tfs.Explainer, keywords: dict[str, Any], folder: Path
) -> float:
    """Returns the largest difference of an exported score, relative to the largest score."""
    model, inputs = subject.model, subject.inputs
    if isinstance(keywords.get("target"), _PLACES):
        keywords = {**keywords, "target": lambda outputs: outputs[:, 1, 2]}
        explainer = tfs.Explainer(model, **keywords)
    if subject.has_preprocessor:
        inputs = subject.arrays()  # a request has what the preprocessor makes of texts
    tfs.export_saved_model(model, folder, **keywords)
    ask = tf.saved_model.load(str(folder)).signatures["attributions"]
    leaves = subject.leaves(inputs)
    request = {}
    for name, spec in ask.structured_input_signature[1].items():
        tensor = tf.cast(tf.constant(leaves[name]), spec.dtype)
        is_single = spec.shape.rank == 2 and len(tensor.shape) == 1
        request[name] = tensor[:, None] if is_single else tensor
    live = explainer(inputs)
    difference = ask(**request)["scores"].numpy() - live.scores
    return float(np.abs(difference).max() / np.abs(live.scores).max())


def _is_nest(inputs: Any) -> bool:
    """True for a dict or list of arrays, false for an array or a list of texts."""
    return isinstance(inputs, dict) or (isinstance(inputs, list) and not isinstance(inputs[0], str))


def _tensors(inputs: Any) -> Any:
    if not _is_nest(inputs):
        return tf.constant(np.asarray(inputs))
    return keras.tree.map_structure(
        tf.convert_to_tensor,
        {name: np.asarray(texts) for name, texts in inputs.items()}
        if isinstance(inputs, dict)
        else inputs,
    )
