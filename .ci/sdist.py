"""Checks that a source distribution holds all that the tests need: `python .ci/sdist.py DIST`."""

import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (".ci", "benchmarks", "docs", "examples", "tests", "tf_salience")
MADE = {"__pycache__", "_build", ".ipynb_checkpoints"}


def main(folder: str) -> int:
    """Prints the files that the archive in a folder lacks and returns the exit code."""
    (archive,) = Path(folder).glob("*.tar.gz")
    with tarfile.open(archive) as files:
        packed = {name.partition("/")[2] for name in files.getnames()}
    needed = {path for path in ROOT.iterdir() if path.suffix in {".cfg", ".ini", ".md", ".toml"}}
    for name in FOLDERS:
        needed.update(path for path in (ROOT / name).rglob("*") if path.is_file())
    names = {path.relative_to(ROOT) for path in needed if not MADE & set(path.parts)}
    missing = sorted(name.as_posix() for name in names if name.as_posix() not in packed)
    print("\n".join([*missing, f"{archive.name}: {len(packed)} files, {len(missing)} missing"]))
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
