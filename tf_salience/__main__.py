"""`python -m tf_salience` is the `tf-salience` command."""

import sys

from tf_salience.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
