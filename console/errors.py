"""What goes wrong in the console, and the one place that turns any error into a sentence for a person.

AftertagError (worker.errors)
└── ConsoleError
    ├── NothingRunningError    there is no database to talk to
    ├── NoDefaultModelError    nobody named a model, and the endpoint has none that is asked by default
    ├── UnreachableError       the endpoint that is to be asked does not answer
    └── LangfuseError          Langfuse cannot be reached, or refuses us
"""

import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from worker.errors import AftertagError

_NO_RIGHT = "42501"
"""SQLSTATE of `permission denied`."""


class ConsoleError(AftertagError):
    """The root of what goes wrong in the console itself."""


class LangfuseError(ConsoleError):
    """Langfuse is not set up, cannot be reached, or refuses us."""


class NothingRunningError(ConsoleError):
    """Neither an address is set nor do embedded services run in the data directory."""


class NoDefaultModelError(ConsoleError):
    """Only the operator knows what this endpoint serves. `problem` says so about a file that names no model."""

    def __init__(self, endpoint: str) -> None:
        nobody = f"nobody but you knows which models endpoint {endpoint!r} serves"
        super().__init__(f"{nobody}; name one with --model, or ask --endpoint local, which needs none.")
        self.problem = f"is missing, and {nobody}; name one (--model, or `model:` beside `endpoint: {endpoint}`)"


class UnreachableError(ConsoleError):
    """The endpoint that is to be asked does not answer."""


def sentence_for(error: BaseException) -> str | None:
    """Return what to tell the person, or None for an error that nobody expected.

    Looks only into libraries that are loaded already: what they raise, they have loaded.
    """
    if isinstance(error, _roots()):
        # What starts with a file's name keeps its spelling.
        return str(error) if hasattr(error, "source") else _capital(str(error))
    if _is_of_a_service(error):
        return _of_a_service(error)
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError) and error.filename is not None:
        return f"{str(error.filename)!r} cannot be used: {error.strerror}."
    return None


def unexpected(error: BaseException) -> str:
    """Return a sentence about a mistake of ours: kind and place, never the message (it may hold text)."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return (
        f"Something nobody expected went wrong ({type(error).__name__}{place});"
        " run `aftertag --traceback …` for all of it, and report it."
    )


def _roots() -> tuple[type[BaseException], ...]:
    wanted = [
        ("taxonomies.errors", "TaxonomiesError"),
        ("classifier_models.errors", "ClassifierModelsError"),
        ("worker.embedded.errors", "EmbeddedError"),
    ]
    return (AftertagError, *(getattr(module, name) for path, name in wanted if (module := _loaded(path))))


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _is_of_a_service(error: BaseException) -> bool:
    engine = _loaded("worker.store.engine")
    redis = _loaded("redis")
    refused = _sqlstate(error) == _NO_RIGHT
    failed = engine and (engine.is_outage(error) or engine.is_hindered(error))
    return bool(refused or failed or (redis and isinstance(error, redis.RedisError)))


def _of_a_service(error: Any) -> str:
    engine = _loaded("worker.store.engine")
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()
    why = f" ({cause[0].strip().rstrip('.')})" if cause else ""
    if engine is not None and engine.has_no_lock_left(error):
        return (
            "PostgreSQL has no lock left, for anybody: set max_locks_per_transaction to what `aftertag doctor` says"
            " and restart it, or look at fewer days."
        )
    if _sqlstate(error) is not None:
        return f"PostgreSQL refuses{why}; look at its state and at the rights of the user in AFTERTAG_DATABASE_URL."
    if hasattr(error, "orig"):
        return f"PostgreSQL does not answer{why}; start it, or point AFTERTAG_DATABASE_URL at the right one."
    return f"Redis does not answer{why}; start it, or point AFTERTAG_REDIS_URL at the right one."


def _sqlstate(error: Any) -> str | None:
    found: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return found


def _loaded(name: str) -> ModuleType | None:
    return sys.modules.get(name)
