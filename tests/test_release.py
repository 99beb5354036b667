"""The version is the same wherever it stands."""

import re
from pathlib import Path

import tf_salience

ROOT = Path(__file__).parents[1]


def test_the_citation_and_the_changelog_have_the_version_and_its_date():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    version, date = re.findall(r"^(?:version|date-released): (\S+)$", citation, re.M)
    newest = re.search(r"^## \[(\S+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert version == tf_salience.__version__
    assert newest.groups() == (version, date)
