"""What can go wrong with a taxonomy.

TaxonomiesError
├── TaxonomyError            the document describes no valid taxonomy, classifier or preset
├── UnknownPresetError       there is no preset of that name
└── InvalidAnswerError       the model's answer is no answer to this taxonomy
    └── UnreadableAnswerError    the model's answer is not one JSON object at all
"""

from collections.abc import Sequence


class TaxonomiesError(Exception):
    """Root of everything this package raises on purpose."""


class TaxonomyError(TaxonomiesError):
    """One line per problem: source, path in it, and what to do. `problems` holds the lines without the source."""

    def __init__(self, problems: Sequence[str], *, source: str) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.problems = tuple(problems)
        self.source = source


class UnknownPresetError(TaxonomiesError):
    """No preset has this name; the message lists those that exist."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no preset {name!r}; choose one of: {', '.join(known)}")
        self.name = name


class InvalidAnswerError(TaxonomiesError):
    """The answer parses but breaks the schema. `problem` names dimensions, never text of the answer."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class UnreadableAnswerError(InvalidAnswerError):
    """The answer is no single JSON object: empty, cut off, too long, prose, or ambiguous."""
