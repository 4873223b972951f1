"""Small definitions for tests of classifiers."""

from typing import Any

from taxonomies import definition as definitions
from taxonomies.definition import ClassifierDefinition


def definition(*dimensions: str, **settings: Any) -> ClassifierDefinition:
    """Return a classifier on `local` that asks `dimensions`, each with the values yes_it_is and no_it_is_not."""
    asked = [{"name": name, "values": ["yes_it_is", "no_it_is_not"]} for name in dimensions or ("department",)]
    document = {
        "taxonomy": {"dimensions": asked},
        "prompt": "Decide.",
        "endpoint": "local",
        "model": "local-lexical",
    }
    return definitions.parse(document | settings)
