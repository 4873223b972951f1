"""YAML in and out: a loader for files by strangers (bounded, no aliases, no doubled keys), a writer for reviewers."""

from typing import Any

import yaml

from taxonomies import errors
from taxonomies.wording import quoted

SOURCE_CHARACTERS = 1_000_000
MOST_DEPTH = 20
MOST_NODES = 50_000


def read(text: str, *, source: str = "taxonomy") -> object:
    """Return the plain document that `text` holds: YAML or JSON of at most 1,000,000 characters.

    Raise TaxonomyError, naming line and column, on anything else, on aliases, doubled keys, and depth above 20.
    """
    if len(text) > SOURCE_CHARACTERS:
        raise errors.TaxonomyError(
            [f"(document): has {len(text):,} characters; shorten it to at most {SOURCE_CHARACTERS:,}"], source=source
        )
    try:
        document: object = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        found = _where(error.problem_mark) + (error.problem or "is not YAML")
    except (yaml.YAMLError, ValueError) as error:
        found = f"(document): is not YAML ({type(error).__name__}); check quotes, dates and numbers"
    else:
        return document
    raise errors.TaxonomyError([found], source=source)


def write(document: object) -> str:
    """Return `document` as YAML for people: keys in their order, long text as blocks, any script readable."""
    return yaml.dump(document, Dumper=_ReadableDumper, allow_unicode=True, sort_keys=False, width=110)


def _where(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else "(document): "


class _StrictLoader(yaml.SafeLoader):
    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        # Ten lines of nested aliases can unfold to gigabytes as soon as somebody walks the document.
        if isinstance(event, yaml.AliasEvent):
            raise _refusal("aliases (*name) are not accepted; write the text out", event.start_mark)
        # An explicit tag picks a constructor that its text was never matched against: `!!bool x` is a KeyError.
        if getattr(event, "tag", None) is not None:
            raise _refusal("tags (!name) are not accepted; write the value alone", event.start_mark)
        if self.depth == MOST_DEPTH:
            raise _refusal(f"is nested deeper than {MOST_DEPTH} levels; flatten it", event.start_mark)
        if self.nodes == MOST_NODES:
            raise _refusal(f"has more than {MOST_NODES:,} entries; split the file", event.start_mark)
        self.depth += 1
        self.nodes += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refusal("a key must be plain text", key.start_mark)
            if key.value in seen:
                raise _refusal(f"the key {quoted(key.value)} stands twice; remove one", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _refusal(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _ReadableDumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_ReadableDumper.add_representer(str, _text_node)
