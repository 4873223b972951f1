"""Taxonomy → JSON schema: the strict form of an answer, in the subset that every provider's strict mode accepts.

No minItems, uniqueItems, descriptions or nullable unions: each is refused or miscounted somewhere. What a schema
cannot say, `answer` checks.
"""

from typing import Any

from taxonomies.taxonomy import Choice, Taxonomy


def to_json_schema(taxonomy: Taxonomy) -> dict[str, Any]:
    """Return a new schema object: every dimension required, in order; one value = enum, several = array of enum."""
    return {
        "type": "object",
        "properties": {name: _answer_form(choice) for name, choice in taxonomy.choices.items()},
        "required": list(taxonomy.choices),
        "additionalProperties": False,
    }


def _answer_form(choice: Choice) -> dict[str, Any]:
    one = {"type": "string", "enum": list(choice.positions)}
    return {"type": "array", "items": one} if choice.several else one
