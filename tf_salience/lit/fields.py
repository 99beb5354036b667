"""`Fields`: the names of what a `LitModel` takes and gives, and LIT's types of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lit_nlp.api import types

from tf_salience.lit.task import Task

#: Result fields of classes and scores.
PROBABILITIES, PREDICTED, SCORE = "probas", "predicted", "score"
#: The mean of the token embeddings, a vector of fixed size: for PCA, UMAP and nearest neighbours.
MEAN_EMBEDDING = "mean_embedding"


@dataclass(frozen=True)
class SegmentFields:
    """The fields of one segment.

    Attributes:
        tokens: its token strings.
        embeddings: (tokens, dim); taken as an input too.
        gradients: (tokens, dim), of the class or the score with respect to the embeddings.
    """

    tokens: str
    embeddings: str
    gradients: str

    @classmethod
    def named(cls, segment: str) -> "SegmentFields":
        """Returns the fields of a segment; "" stands for the only one there."""
        ending = f"_{segment}" if segment else ""
        return cls(f"tokens{ending}", f"token_embs{ending}", f"token_grads{ending}")


@dataclass(frozen=True)
class Fields:
    """The fields of a model.

    Attributes:
        texts: the input fields of its texts.
        label: the input field of the label, which tells the class to explain.
        segments: the fields of each segment by its name, in the order in which a user sees them.
        task: what the outputs mean.
    """

    texts: Sequence[str]
    label: str
    segments: Mapping[str, SegmentFields]
    task: Task

    def input_spec(self) -> dict[str, Any]:
        """Returns LIT's types of the inputs: texts, the label, and embeddings for LIT's own IG."""
        return {
            **self.dataset_spec(),
            self.label: self._label_type(required=False),
            **{
                fields.embeddings: types.TokenEmbeddings(align=fields.tokens, required=False)
                for fields in self.segments.values()
            },
        }

    def dataset_spec(self, *, with_label: bool = False) -> dict[str, Any]:
        """Returns LIT's types of a data set for this model."""
        spec: dict[str, Any] = {name: types.TextSegment() for name in self.texts}
        return {**spec, self.label: self._label_type()} if with_label else spec

    def output_spec(self) -> dict[str, Any]:
        """Returns LIT's types of the outputs."""
        spec: dict[str, Any] = {}
        for name, fields in self.segments.items():
            parent = name if name in self.texts else None
            parent = self.texts[0] if len(self.texts) == len(self.segments) == 1 else parent
            spec[fields.tokens] = types.Tokens(parent=parent, token_prefix=None)
            spec[fields.embeddings] = types.TokenEmbeddings(align=fields.tokens)
            spec[fields.gradients] = types.TokenGradients(
                align=fields.tokens,
                grad_for=fields.embeddings,
                grad_target_field_key=self.label,
            )
        spec[MEAN_EMBEDDING] = types.Embeddings()
        classes = self.task.classes
        if classes is None:
            spec[SCORE] = types.RegressionScore(parent=self.label)
            return spec
        null_index = 0 if len(classes) == 2 else None
        spec[PROBABILITIES] = types.MulticlassPreds(
            vocab=list(classes), parent=self.label, null_idx=null_index
        )
        spec[PREDICTED] = types.CategoryLabel(vocab=list(classes))
        # The class that the gradients are of: LIT's integrated gradients hold it along the path.
        spec[self.label] = types.CategoryLabel(vocab=list(classes))
        return spec

    def _label_type(self, *, required: bool = True) -> Any:
        classes = self.task.classes
        if classes is None:
            return types.Scalar(min_val=float("-inf"), max_val=float("inf"), required=required)
        return types.CategoryLabel(vocab=list(classes), required=required)
