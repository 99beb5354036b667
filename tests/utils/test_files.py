import contextlib
import os
import stat
from pathlib import Path

import pytest

from tf_salience.utils import files

ERRORS = [ValueError, KeyboardInterrupt]


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def fail_within(context, error, write):
    with context as new:
        write(new)
        raise error


@pytest.fixture
def saved_model(tmp_path):
    """A directory that passes for a SavedModel."""
    path = tmp_path / "model"
    path.mkdir()
    (path / "saved_model.pb").write_text("old")
    return path


class TestAtomicFile:
    def test_the_file_appears_at_the_end_of_the_block(self, tmp_path):
        path = tmp_path / "file.txt"
        with files.atomic_file(path) as new:
            new.write_text("content")
            assert not path.exists()
        assert path.read_text() == "content"
        assert names(tmp_path) == ["file.txt"]

    def test_a_relative_path(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with files.atomic_file(Path("file.txt")) as new:
            new.write_text("content")
        assert names(tmp_path) == ["file.txt"]

    def test_it_has_the_permissions_of_any_new_file(self, tmp_path):
        (tmp_path / "other").touch()
        with files.atomic_file(tmp_path / "file") as new:
            new.touch()
        modes = {stat.S_IMODE(os.stat(path).st_mode) for path in tmp_path.iterdir()}
        assert len(modes) == 1

    @pytest.mark.parametrize("error", ERRORS)
    def test_after_an_error_the_old_file_is_unchanged(self, tmp_path, error):
        path = tmp_path / "file.txt"
        path.write_text("old")
        with pytest.raises(error):
            fail_within(files.atomic_file(path), error, lambda new: new.write_text("half"))
        assert path.read_text() == "old"
        assert names(tmp_path) == ["file.txt"]


class TestAtomicDirectory:
    def test_the_directory_appears_at_the_end_of_the_block(self, tmp_path):
        path = tmp_path / "parent" / "model"
        with files.atomic_directory(path, overwrite=False) as new:
            (new / "content").touch()
            assert not path.exists()
        assert names(path) == ["content"]
        assert names(path.parent) == ["model"]

    def test_tensorflow_serving_sees_no_version_before_the_end(self, tmp_path):
        with files.atomic_directory(tmp_path / "2", overwrite=False):
            assert not any(name.isdigit() for name in names(tmp_path))

    def test_a_saved_model_is_replaced(self, saved_model):
        with files.atomic_directory(saved_model, overwrite=True) as new:
            (new / "content").touch()
            assert names(saved_model) == ["saved_model.pb"]
        assert names(saved_model) == ["content"]
        assert names(saved_model.parent) == ["model"]

    @pytest.mark.parametrize("error", ERRORS)
    def test_after_an_error_nothing_is_left(self, tmp_path, error):
        path = tmp_path / "new" / "deep" / "model"
        context = files.atomic_directory(path, overwrite=False)
        with pytest.raises(error):
            fail_within(context, error, lambda new: (new / "content").touch())
        assert names(tmp_path) == []

    def test_a_new_parent_that_is_used_meanwhile_stays(self, tmp_path):
        path = tmp_path / "new" / "model"
        context = files.atomic_directory(path, overwrite=False)
        with pytest.raises(ZeroDivisionError):
            fail_within(context, ZeroDivisionError, lambda _: (path.parent / "neighbour").touch())
        assert names(path.parent) == ["neighbour"]

    @pytest.mark.parametrize("error", ERRORS)
    def test_after_an_error_the_old_directory_is_unchanged(self, saved_model, error):
        with pytest.raises(error), files.atomic_directory(saved_model, overwrite=True):
            raise error
        assert names(saved_model) == ["saved_model.pb"]
        assert names(saved_model.parent) == ["model"]

    def test_an_interrupt_between_two_renames_restores_the_old_directory(
        self, saved_model, monkeypatch
    ):
        rename = Path.rename

        def interrupted(self, target):
            renamed = rename(self, target)
            if self == saved_model:
                raise KeyboardInterrupt
            return renamed

        monkeypatch.setattr(Path, "rename", interrupted)
        with (
            contextlib.suppress(KeyboardInterrupt),
            files.atomic_directory(saved_model, overwrite=True),
        ):
            pass
        assert names(saved_model) == ["saved_model.pb"]
        assert names(saved_model.parent) == ["model"]


class TestCheckReplaceable:
    def test_a_new_path_and_an_empty_directory(self, tmp_path):
        files.check_replaceable(tmp_path, overwrite=False)
        files.check_replaceable(tmp_path / "new", overwrite=False)

    def test_a_saved_model_needs_overwrite(self, saved_model):
        with pytest.raises(FileExistsError, match="overwrite=True"):
            files.check_replaceable(saved_model, overwrite=False)
        files.check_replaceable(saved_model, overwrite=True)

    def test_other_content_is_not_replaced(self, saved_model):
        with pytest.raises(FileExistsError, match=r"no SavedModel.*`version=`"):
            files.check_replaceable(saved_model.parent, overwrite=True)

    def test_a_file_and_a_link(self, saved_model):
        file, link = saved_model.parent / "file", saved_model.parent / "link"
        file.touch()
        link.symlink_to(saved_model)
        for path in (file, link):
            with pytest.raises(FileExistsError, match=f"must be a directory.*{path.name}"):
                files.check_replaceable(path, overwrite=True)

    def test_the_working_directory_and_its_parents(self, saved_model, monkeypatch):
        monkeypatch.chdir(saved_model)
        for path in (".", ".."):
            with pytest.raises(FileExistsError, match="must not be the working directory"):
                files.check_replaceable(Path(path), overwrite=True)
