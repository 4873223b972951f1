"""The tests beside this one, once more with the oldest versions of the SDKs that are supported, and with those between."""

import subprocess
from pathlib import Path

import pytest

from tests.others.pythons import ROOT, environment, python_with

TESTS = sorted(path for path in Path(__file__).parent.glob("test_*.py") if "import openai\n" in path.read_text())


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["openai_1", "openai_2"])
def test_other_versions_of_the_sdks_are_watched_as_well(name: str) -> None:
    assert len(TESTS) >= 5
    plugin = ["--noconftest", "-p", "tests.api_hooks.integrations.stage", "-p", "no:cacheprovider"]
    command = [python_with(name), "-m", "pytest", *plugin, "-o", "filterwarnings=", "-q", *TESTS]
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-5_000:] + ended.stderr[-2_000:]
    assert " passed" in ended.stdout
