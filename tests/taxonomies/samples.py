"""Small taxonomies and llguidance's verdict, for the tests of this folder."""

from functools import cache
from typing import Any

import llguidance

from taxonomies.taxonomy import Taxonomy, parse

TOKENS = llguidance.LLTokenizer("byte")


@cache
def two_dimensions() -> Taxonomy:
    return parse(
        {
            "dimensions": [
                {"name": "department", "values": ["legal", "sales"], "none_of_these": True},
                {
                    "name": "risk",
                    "values": ["secrets", "personal_data", "fraud"],
                    "several": True,
                    "none_of_these": True,
                },
            ]
        }
    )


@cache
def without_none_of_these() -> Taxonomy:
    return parse(
        {
            "dimensions": [
                {"name": "tone", "values": ["warm", "cold"]},
                {"name": "topics", "values": ["food", "travel"], "several": True},
            ]
        }
    )


def compiled(schema: dict[str, Any]) -> str:
    grammar: str = llguidance.LLMatcher.grammar_from_json_schema(schema, defaults={"whitespace_flexible": True})
    assert not llguidance.LLMatcher.validate_grammar(grammar, TOKENS)
    return grammar


def accepts(grammar: str, text: str) -> bool:
    matcher = llguidance.LLMatcher(TOKENS, grammar)
    tokens = TOKENS.tokenize_str(text)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()
