"""The checker of the project's English reads prose, and no code."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "prose.py"
PAGE = """# A page

It is `told in an error`, [see](told_in_an_error.md).

```python
print("told in an error")
```

The cause is told in an
error.
"""
MODULE = '''"""What is wrong is told in an error.

>>> told_in_an_error  # told in an error
"""

told_in_an_error = f"`told in an error` {PAGE}"  # in order to
'''


@pytest.mark.parametrize(
    ("name", "text", "lines"), [("page.md", PAGE, {9}), ("module.py", MODULE, {1, 6})]
)
def test_findings_are_in_prose(name, text, lines, tmp_path):
    file = tmp_path / name
    file.write_text(text)
    process = subprocess.run(
        [sys.executable, SCRIPT, file], capture_output=True, text=True, check=False
    )
    *findings, total = process.stdout.splitlines()
    assert process.returncode == 1, process.stderr
    assert {int(finding.removeprefix(f"{file}:").split(":")[0]) for finding in findings} == lines
    assert total == f"1 files, {len(findings)} findings"


def test_plain_english_has_no_findings(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("# A page\n\nThe error says which argument is wrong.\n")
    process = subprocess.run(
        [sys.executable, SCRIPT, file], capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stdout) == (0, "1 files, 0 findings\n"), process.stderr
