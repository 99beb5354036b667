"""`LitModel`: a Keras text model as LIT sees it, made from an `Explainer`."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from lit_nlp.api import dataset as lit_dataset
from lit_nlp.api import model as lit_model

from tf_salience import targets
from tf_salience.attribution.methods import GradientDotInput, Method
from tf_salience.explainer.explainer import Explainer
from tf_salience.lit import predictions
from tf_salience.lit.fields import Fields, SegmentFields
from tf_salience.lit.gradients import EmbeddingGradients
from tf_salience.lit.task import Task
from tf_salience.utils import validation

Example = Mapping[str, Any]
#: Explainers that are kept, each with its graphs; every number of steps is one.
_MOST_EXPLAINERS = 16


class LitModel(lit_model.Model):
    """A Keras text model as LIT sees it: texts in; tokens, embeddings, gradients, classes out.

    LIT's own components run on it: its gradient interpreters, LIME, salience clustering, metrics,
    PCA. The interpreters of `tf_salience.lit` explain it with its explainer instead.

    The gradients are those of LIT's models, of the class's probability, or of a regression score.
    The class is that of the label field, which LIT's page sets as its menu says, or the predicted
    one where the example has no such class. The Keras model stays as it is.

    Args:
        explainer: of the model. Its target is what the interpreters explain; the predicted class
            becomes the class of the label field.
        text: the name of the examples' field of text, or of each of several texts, in the order of
            the model's inputs, or by the names of its inputs.
        label: the name of the examples' field of the label.

    Raises:
        TypeError: for an explainer of another kind.
        ValueError: for a model whose explained output is no class and no score.

    Example:
        >>> model = LitModel(tfs.Explainer(reviews, class_names=["negative", "positive"]))
        >>> model.predict([{"text": "the plot was dull"}])[0]["tokens"]
        ['the', 'plot', 'was', 'dull']
    """

    def __init__(
        self, explainer: Explainer, *, text: str | Sequence[str] = "text", label: str = "label"
    ) -> None:
        if not isinstance(explainer, Explainer):
            raise TypeError(
                "`explainer` must be a `tf_salience.Explainer`. Received: explainer of type "
                f"{type(explainer).__name__}. Pass `Explainer(model, ...)`."
            )
        self.explainer = explainer
        self._texts = (text,) if isinstance(text, str) else tuple(text)
        if label in self._texts or len(set(self._texts)) != len(self._texts) or not self._texts:
            raise ValueError(
                "`text` and `label` must name different fields. Received: "
                f"text={validation.format_value(text)}, label={validation.format_value(label)}"
            )
        self._explainers: dict[Any, Explainer] = {}
        self._gradients: EmbeddingGradients | None = None
        self._lock = threading.RLock()
        self.fields = self._read_fields(label)

    def description(self) -> str:
        """Returns a line for LIT's page."""
        return f"{self.explainer.model.name}, a Keras model explained by tf_salience"

    @classmethod
    def init_spec(cls) -> None:
        """Returns None: LIT's page cannot make a Keras model."""
        return

    def input_spec(self) -> dict[str, Any]:
        """Returns LIT's types of the inputs."""
        return self.fields.input_spec()

    def output_spec(self) -> dict[str, Any]:
        """Returns LIT's types of the outputs."""
        return self.fields.output_spec()

    def dataset(
        self, texts: Sequence[Any], labels: Sequence[Any] | None = None
    ) -> lit_dataset.Dataset:
        """Makes a data set for LIT.

        Args:
            texts: one for each example; for a model of several texts a tuple of as many.
            labels: class indices or names, or scores; None: the examples have no label.

        Raises:
            ValueError: for another number of labels than texts, or a label that is not a class.
        """
        if labels is not None and len(labels) != len(texts):
            raise ValueError(
                "`labels` must hold one label for each text. Received: "
                f"{len(labels)} labels for {len(texts)} texts"
            )
        examples = []
        for number, text in enumerate(texts):
            columns = (text,) if isinstance(text, str) else tuple(text)
            example = dict(zip(self._texts, columns, strict=True))
            if labels is not None:
                example[self.fields.label] = self._label(labels[number])
            examples.append(example)
        spec = self.fields.dataset_spec(with_label=labels is not None)
        return lit_dataset.Dataset(spec, examples, description="texts for tf_salience")

    def predict(self, inputs: Iterable[Example], **keywords: Any) -> list[dict[str, Any]]:
        """Runs the model, and takes the gradients.

        Args:
            inputs: examples. One with embeddings is run with these in place of its tokens'.
            **keywords: not used.

        Returns:
            The fields of `output_spec` of each example.
        """
        del keywords
        examples = list(inputs)
        outputs: list[dict[str, Any]] = []
        if not examples:
            return outputs
        passes = self.explainer_of(GradientDotInput(), targets.Unit("predicted")).forward_passes(
            self.texts(examples)
        )
        for pipeline, forward, batch in passes:
            share = [examples[number] for number in batch.numbers]
            with self._lock:
                if self._gradients is None or self._gradients.model is not pipeline.model:
                    target = self.fields.task.gradient_target
                    size = batch.runner.batch_size
                    self._gradients = EmbeddingGradients(pipeline.model, target, size)
                gradients = self._gradients
            outputs += predictions.predict(self.fields, share, forward, batch.inputs, gradients)
        return outputs

    def texts(self, examples: Sequence[Example]) -> Any:
        """Returns the examples' texts as the explainer takes them."""
        columns = {name: [example[name] for example in examples] for name in self._texts}
        if len(columns) == 1:
            return columns[self._texts[0]]
        inputs = getattr(self.explainer.model, "input", None)
        takes_names = isinstance(inputs, dict) and inputs.keys() == columns.keys()
        return columns if takes_names else tuple(columns.values())

    def explainer_of(self, method: Method, target: targets.Target) -> Explainer:
        """Returns an explainer of the model with another method and target; each is made once."""
        key = (repr(method), repr(target))
        with self._lock:
            if key not in self._explainers:
                while len(self._explainers) >= _MOST_EXPLAINERS:
                    self._explainers.pop(next(iter(self._explainers)))
                arguments = {**self.explainer.arguments, "method": method, "target": target}
                classes = self.fields.task.classes
                arguments["class_names"] = None if classes is None else list(classes)
                self._explainers[key] = Explainer(**arguments)
            return self._explainers[key]

    def _label(self, label: Any) -> Any:
        classes = self.fields.task.classes
        if classes is None:
            return float(label)
        if isinstance(label, str):
            validation.check_one_of("labels", label, classes)
            return label
        if not validation.is_integer(label) or not 0 <= label < len(classes):
            raise ValueError(
                f"`labels` must be class names or indices from 0 to {len(classes) - 1}. "
                f"Received: {validation.format_value(label)}"
            )
        return classes[int(label)]

    def _read_fields(self, label: str) -> Fields:
        """Runs the model once: the segments and the kind of its outputs are seen there."""
        example = dict.fromkeys(self._texts, "a")
        arguments = {**self.explainer.arguments, "target": _first, "method": GradientDotInput()}
        probe = Explainer(**{**arguments, "class_names": None})
        ((pipeline, forward, _),) = probe.forward_passes(self.texts([example, example]))
        outputs = pipeline.model.select_output(forward.outputs)
        if not isinstance(outputs, dict | list | tuple) and outputs.ndim > 2:
            raise ValueError(
                "`LitModel` shows a class, or a score, of each text. Received: outputs of shape "
                f"{outputs.shape}. Show a language model by `tf_salience.lit.sequence_models`."
            )
        task = Task.from_outputs(outputs, self.explainer.class_names, forward.activation)
        shown = [segment.name for segment in forward.shown]
        segments = {name: SegmentFields.named("" if len(shown) == 1 else name) for name in shown}
        return Fields(self._texts, label, segments, task)


def _first(outputs: Any) -> Any:
    """A target that any outputs have, until it is known what they mean."""
    output = tf.nest.flatten(outputs)[0]
    return tf.reshape(output, [tf.shape(output)[0], -1])[:, 0]
