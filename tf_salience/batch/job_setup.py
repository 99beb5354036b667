"""`JobSetup`: what each process of a job needs to explain shards."""

import os
import pathlib
from dataclasses import dataclass
from typing import Any

import keras

from tf_salience.batch.columns import Columns
from tf_salience.batch.explaining import Buckets, RowExplainer
from tf_salience.batch.shard_job import ShardJob
from tf_salience.explainer.explainer import Explainer


@dataclass(frozen=True)
class JobSetup:
    """What each process needs to explain shards.

    Attributes:
        model: the model, its path, or a function that returns it.
        explainer: the arguments of `Explainer` but the model.
        columns: what is read and kept.
        folder: where the shards are written.
        cuts_texts: whether long texts are cut.
        max_errors: the most rows that may fail, or None.
    """

    model: Any
    explainer: dict[str, Any]
    columns: Columns
    folder: pathlib.Path
    cuts_texts: bool
    max_errors: int | None

    def make_explainer(self) -> Explainer:
        """Returns an explainer of the model, which is loaded if it is a path."""
        model = self.model
        if isinstance(model, str | os.PathLike):
            model = keras.models.load_model(model, compile=False)
        elif not isinstance(model, keras.Model) and callable(model):
            model = model()
        return Explainer(model, **self.explainer)


def make_job(
    setup: JobSetup, job: str, kept: Any, companions: Buckets, explainer: Explainer | None = None
) -> ShardJob:
    """Returns the job of one process.

    Args:
        setup: what each process needs.
        job: the checksum of the job.
        kept: the schema of the columns of the source.
        companions: rows that go with all calls of their bucket.
        explainer: the one that there is already, or None.
    """
    explain = RowExplainer(
        explainer or setup.make_explainer(),
        setup.columns,
        companions,
        cuts_texts=setup.cuts_texts,
    )
    return ShardJob(explain, setup.columns, setup.folder, job, kept, setup.max_errors)
