"""The import of TensorFlow without the messages that its libraries print while they load."""

import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Imports TensorFlow; shows what its libraries print only if the import fails.

    They write to the file descriptor of standard error before any log level is read.
    """
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # standard error is not a file
        import tensorflow

        return
    sys.stderr.flush()
    saved = os.dup(descriptor)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), descriptor)
        try:
            import tensorflow  # noqa: F401
        except BaseException:
            captured.seek(0)
            os.write(saved, captured.read())
            raise
        finally:
            os.dup2(saved, descriptor)
            os.close(saved)
