import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PYPROJECT["tool"]["importlinter"]["root_packages"]
MODULES = sorted(path for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py"))
LINES_AT_MOST = 300
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "models", "misc"}
NOT_IN_THE_HOOKS_PROCESS = {"celery", "kombu", "redis", "sqlalchemy", "psycopg", "httpx", "pydantic"}


def test_no_module_is_longer_than_300_lines() -> None:
    assert MODULES
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > LINES_AT_MOST} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = {part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert named & NAMES_THAT_SAY_NOTHING == set()


def test_every_module_of_ours_opens_with_a_sentence() -> None:
    ours = [path for path in MODULES if path.is_relative_to(ROOT / "tests") is False and path.read_text().strip()]
    assert [str(path) for path in ours if not path.read_text().startswith(('"""', "'''"))] == []


def test_import_contracts_cover_every_package_of_the_wheel() -> None:
    patterns = PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    in_the_wheel = {pattern.removesuffix("*") for pattern in patterns if (ROOT / pattern.removesuffix("*")).is_dir()}
    assert in_the_wheel == set(PACKAGES)
    assert in_the_wheel == set(PYPROJECT["tool"]["mypy"]["packages"])


def test_importing_the_hook_loads_nothing_heavy() -> None:
    code = "import sys, api_hooks; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) & NOT_IN_THE_HOOKS_PROCESS == set()


@pytest.mark.parametrize("path", ["constraints.txt", "pyproject.toml", ".ci/run", "Dockerfile", "docker-compose.yml"])
def test_no_address_of_a_package_index_is_written_down(path: str) -> None:
    text = (ROOT / path).read_text()
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|@ (https?|file)://", text)


def test_every_dependency_is_pinned_at_a_version_it_allows() -> None:
    pins = _pins()
    project = PYPROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = [Requirement(line) for group in groups for line in group]
    missing = [
        str(requirement)
        for requirement in wanted
        if requirement.name != project["name"]
        and not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"))
    ]
    assert missing == []


def _pins() -> dict[str, str]:
    lines = (line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
