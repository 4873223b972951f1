"""Running the real command line in this process, against a database of the test's own."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from typer.testing import CliRunner

from console.__main__ import build

OF_THE_MACHINE = ("AFTERTAG_", "OPENROUTER_", "OPENAI_", "ANTHROPIC_", "OLLAMA_", "LANGFUSE_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """`aftertag` with settings of its own: those of the machine do not count."""

    settings: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, typed: str | None = None) -> Ended:
        """Run one command; an error that nobody expected is raised, so that its test shows where it came from."""
        machine = {name: None for name in os.environ if name.startswith(OF_THE_MACHINE)}
        ended = CliRunner().invoke(
            build(), list(arguments), input=typed, env={**machine, **self.settings}, catch_exceptions=False
        )
        return Ended(exit_code=ended.exit_code, stdout=ended.stdout, stderr=ended.stderr)

    def done(self, *arguments: str, typed: str | None = None) -> Ended:
        """Run one command that must succeed."""
        ended = self(*arguments, typed=typed)
        assert ended.exit_code == 0, ended.stderr
        return ended

    def refused(self, *arguments: str, typed: str | None = None) -> str:
        """Run one command that must be refused; return its one sentence."""
        ended = self(*arguments, typed=typed)
        assert ended.exit_code == 1, ended
        assert ended.stdout == ""
        assert "Traceback" not in ended.stderr
        (sentence,) = ended.stderr.splitlines()
        return sentence


def on(database_url: str, **settings: str) -> CommandLine:
    """Return the command line of somebody whose database is at this address."""
    return CommandLine(settings={"AFTERTAG_DATABASE_URL": database_url, **settings})
