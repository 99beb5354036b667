"""`Manifest`: what a folder of explanations holds, and of what it was made."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from os import PathLike
from pathlib import Path
from typing import Any

from tf_salience.batch.shard_file import Shard
from tf_salience.explanation import shards
from tf_salience.utils import files
from tf_salience.version import __version__

_PACKAGES = ("tensorflow", "keras", "numpy", "pyarrow")


@dataclass(frozen=True)
class Manifest:
    """What a folder of explanations holds, and of what it was made.

    Attributes:
        job: model, method, target, source and columns, as plain values; a job goes on only with
            the same.
        versions: of Python and the packages that made it.
        shards: those that are finished, in their order.
        complete: whether the whole source is done.
    """

    job: dict[str, Any]
    versions: dict[str, str]
    shards: tuple[Shard, ...] = ()
    complete: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Sums over the shards: `source_rows`, `rows`, `errors`, `unconverged`, `evaluations`."""
        names = ("source_rows", "rows", "errors", "unconverged", "evaluations")
        return {name: sum(getattr(shard, name) for shard in self.shards) for name in names}

    def with_shards(self, shards: Iterable[Shard], *, complete: bool) -> "Manifest":
        """Returns the manifest with these shards instead."""
        ordered = tuple(sorted(shards, key=lambda shard: shard.number))
        return replace(self, shards=ordered, complete=complete)

    def to_dict(self) -> dict[str, Any]:
        """Returns what the file holds, as JSON values."""
        facts = [{"file": shard.file, **asdict(shard)} for shard in self.shards]
        return {
            "format": shards.FORMAT,
            "version": shards.VERSION,
            "complete": self.complete,
            "counts": {"shards": len(self.shards), **self.counts},
            "job": self.job,
            "versions": self.versions,
            "shards": facts,
        }

    def write(self, folder: Path) -> None:
        """Writes `manifest.json`; the old one is replaced once the new one is complete."""
        with files.atomic_file(folder / shards.MANIFEST) as new:
            new.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="ascii")


def versions() -> dict[str, str]:
    """Returns the versions of Python, of this package and of what it computes with."""
    return {
        "python": platform.python_version(),
        "tf_salience": __version__,
        **{package: metadata.version(package) for package in _PACKAGES},
    }


def read_manifest(folder: str | PathLike[str]) -> Manifest | None:
    """Reads the manifest of a folder; None where there is none.

    Raises:
        ValueError: for a file that is not a manifest, or one of another version.
    """
    document = shards.read_manifest(Path(folder))
    if document is None:
        return None
    try:
        facts = [{k: v for k, v in shard.items() if k != "file"} for shard in document["shards"]]
        return Manifest(
            document["job"],
            document["versions"],
            tuple(Shard(**shard) for shard in facts),
            document["complete"],
        )
    except (AttributeError, KeyError, TypeError) as error:
        message = shards.damaged(Path(folder, shards.MANIFEST))
        raise ValueError(f"{message} ({error!r})") from error
