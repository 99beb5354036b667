"""Atomic writes: a file or a directory appears complete, or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tf_salience.utils.validation import format_value


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yields a path to write to; the file there replaces `path` if the block succeeds.

    After an exception or an interrupt, `path` is unchanged; after a crash of the machine it is the
    old file or the new one, whole.
    """
    with _staging_directory(path) as staging:
        new = Path(staging, path.name)
        yield new
        _sync(new)
        new.replace(path)
    if os.name == "posix":  # elsewhere a directory cannot be opened
        _sync(path.absolute().parent)


def _sync(path: Path) -> None:
    """Waits until a file or directory is on the disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_directory(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yields a new directory, which replaces `path` if the block succeeds.

    After an exception or an interrupt, `path` and its parents are unchanged.

    Raises:
        FileExistsError: if `check_replaceable` does not allow it.
    """
    check_replaceable(path, overwrite=overwrite)
    path = path.resolve()
    new_parents = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _staging_directory(path) as staging:
            new, old = Path(staging, "new"), Path(staging, "old")
            new.mkdir()
            yield new
            try:
                if path.exists():
                    path.rename(old)
                new.rename(path)
            except BaseException:
                if old.exists() and not path.exists():
                    old.rename(path)
                raise
    except BaseException:
        with contextlib.suppress(OSError):  # another process may have used the new parents
            for parent in new_parents:
                parent.rmdir()
        raise


def check_replaceable(path: Path, *, overwrite: bool) -> None:
    """Checks that a SavedModel may be written to `path`.

    With `overwrite`, it may replace another SavedModel, but no other files and no directory of
    versions.

    Raises:
        FileExistsError: if it may not.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise FileExistsError(
            f"`filepath` must be a directory. Received: the file or link {format_value(str(path))}"
        )
    if Path.cwd().is_relative_to(path.resolve()):
        raise FileExistsError(
            "`filepath` must not be the working directory or one of its parents. "
            f"Received: {format_value(str(path))}"
        )
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not overwrite:
        raise FileExistsError(
            f"The directory {format_value(str(path))} is not empty. Pass `overwrite=True` to "
            "replace it, or another `filepath` or `version`."
        )
    if not (path / "saved_model.pb").is_file():
        raise FileExistsError(
            f"The directory {format_value(str(path))} holds no SavedModel, so it is not replaced. "
            "If it holds versions of one, pass `version=`; otherwise remove it, or pass another "
            "`filepath`."
        )


@contextlib.contextmanager
def sole_writer(folder: Path) -> Iterator[bool]:
    """Yields False if another block has the folder now, of this process or of another one.

    The lock goes with its process, however that ends. Where a file system or the operating system
    has no such locks, it yields True.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield True
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        is_alone = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_alone = False
        except OSError:  # some file systems of a network
            pass
        yield is_alone
    finally:
        os.close(descriptor)


def remove_staging(folder: Path, name: str) -> None:
    """Removes what a killed process has left of files whose names fit the pattern `name`."""
    for staging in folder.glob(f".{name}-*"):
        shutil.rmtree(staging, ignore_errors=True)


def _staging_directory(path: Path) -> tempfile.TemporaryDirectory[str]:
    """Makes a temporary directory beside `path`, so that renaming its content to `path` is atomic.

    Its name is hidden and no number, which TensorFlow Serving would take for a version.
    """
    return tempfile.TemporaryDirectory(
        prefix=f".{path.name}-", dir=path.parent, ignore_cleanup_errors=True
    )
