"""Files to import, what reading them gives, and importing them whole: what all tests of importing share."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from worker import importing
from worker.importing import BadLine, Imported, LeftOut, Line, Survey

MODIFIED = datetime(2024, 2, 29, 12, tzinfo=UTC)


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}], **fields}


def write(path: Path, *lines: object) -> Path:
    """A file of these lines, last modified on 29 February 2024."""
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return written(path, b"".join(line + b"\n" for line in encoded))


def written(path: Path, content: str | bytes) -> Path:
    """A file of this content, last modified on 29 February 2024."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (MODIFIED.timestamp(), MODIFIED.timestamp()))
    return path


def read(*paths: Path, workspace: str | None = "acme", named: str | None = None) -> list[Line | BadLine | LeftOut]:
    with importing.recognised(paths, named=named) as exports:
        return list(importing.lines(exports, workspace=workspace))


def good(*paths: Path) -> list[Line]:
    found = read(*paths)
    assert all(isinstance(line, Line) for line in found), found
    return [line for line in found if isinstance(line, Line)]


def survey_of(engine: Engine, *paths: Path) -> Survey:
    with importing.recognised(paths) as exports:
        return importing.survey(engine, exports, workspace="acme", classify=True)


def bring_in(
    engine: Engine,
    *paths: Path,
    workspace: str | None = "acme",
    classify: bool = True,
    advanced: Callable[[int], object] = lambda done: None,
) -> tuple[Survey, Imported]:
    with importing.recognised(paths) as exports:
        found = importing.survey(engine, exports, workspace=workspace, classify=classify)
        imported = importing.bring_in(engine, exports, found, workspace=workspace, classify=classify, advanced=advanced)
    return found, imported
