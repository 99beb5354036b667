"""Python in a process of its own, in which some modules cannot be imported."""

import subprocess
import sys


def run_without(modules, code, folder):
    """Runs code in a folder, as on a machine where these modules are not installed.

    Args:
        modules: their names.
        code: the code, one string.
        folder: the working folder.
    """
    hidden = f"import sys; sys.modules.update(dict.fromkeys({list(modules)!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", hidden + code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
