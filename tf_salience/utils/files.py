"""A directory that appears whole or not at all."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def check(path: Path, *, overwrite: bool) -> None:
    """Raises where something is in the way.

    Only a SavedModel is ever replaced: not the folder of its versions, nor anybody's other files.

    Raises:
        FileExistsError: if the path exists and may not be overwritten, or is no directory.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise FileExistsError(
            f"`filepath` must be a directory. Received: the file or link {str(path)!r}"
        )
    if Path.cwd().is_relative_to(path.resolve()):
        raise FileExistsError(
            f"`filepath` must not be the working directory, or above it. Received: {str(path)!r}"
        )
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise FileExistsError(
            f"There is something in {str(path)!r} already. Pass `overwrite=True` to replace it, or "
            "another `filepath` or `version`."
        )
    if path.is_dir() and any(path.iterdir()) and not (path / "saved_model.pb").is_file():
        raise FileExistsError(
            f"What is in {str(path)!r} is no SavedModel, so it is not replaced. If it holds "
            "versions of one, pass `version=`; else remove it, or pass another `filepath`."
        )


@contextlib.contextmanager
def replaced(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yields a new directory, which takes the path's place if all goes well.

    Whatever goes wrong, an interrupt too, nothing new is left and what was there stays.

    Raises:
        FileExistsError: as `check` does.
    """
    check(path, overwrite=overwrite)
    path = path.resolve()
    made = [one for one in (path.parent, *path.parent.parents) if not one.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that one rename brings it there; TensorFlow Serving looks for numbers.
    room = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    fresh, old = room / "new", room / "old"
    try:
        fresh.mkdir()
        yield fresh
        if path.exists():
            path.rename(old)
        fresh.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        shutil.rmtree(room, ignore_errors=True)
        with contextlib.suppress(OSError):  # somebody else has put something there meanwhile
            for parent in made:
                parent.rmdir()
        raise
    shutil.rmtree(room, ignore_errors=True)
