import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomies import documents
from taxonomies.errors import TaxonomyError

LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"

REFUSED = {
    "aliases": (LAUGHS, "line 2, column 8: aliases (*name) are not accepted; write the text out"),
    "a document that holds itself": (
        "&a [*a]",
        "line 1, column 5: aliases (*name) are not accepted; write the text out",
    ),
    "depth": ("[" * 5_000, "line 1, column 21: is nested deeper than 20 levels; flatten it"),
    "a flood of entries": ("[" + "x," * 60_000 + "]", "has more than 50,000 entries; split the file"),
    "a doubled key": ("name: a\nname: b", "line 2, column 1: the key 'name' stands twice; remove one"),
    "a list as key": ("? [a]\n: b", "line 1, column 3: a key must be plain text"),
    "a Python object": ("!!python/object/apply:os.getcwd []", "line 1, column 1: tags (!name) are not accepted"),
    "a tag that does not fit": ("a: !!bool x", "line 1, column 4: tags (!name) are not accepted"),
    "bad syntax": ("name: [a, b", "line 1, column 12: "),
    "two documents": ("a: 1\n---\nb: 2", "line 2, column 1: "),
    "an impossible date": ("name: 2026-99-99", "(document): is not YAML (ValueError); check quotes, dates and numbers"),
    "a huge number": ("name: " + "9" * 5_000, "(document): is not YAML (ValueError); check quotes, dates and numbers"),
    "a control character": ("name: \x00", "(document): is not YAML (ReaderError); check quotes, dates and numbers"),
    "a huge source": ("#" * 1_000_001, "(document): has 1,000,001 characters; shorten it to at most 1,000,000"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_hostile_or_broken_yaml_is_refused_where_it_goes_wrong(case: str) -> None:
    text, problem = REFUSED[case]
    with pytest.raises(TaxonomyError) as raised:
        documents.read(text, source="bad.yaml")
    assert str(raised.value).startswith("bad.yaml: ")
    assert problem in str(raised.value)


@given(st.text(alphabet="abex:-[]{}&*!|>'\"#%@?,0.9_+=<~\n \t", max_size=60))
def test_any_text_is_a_document_or_a_taxonomy_error(text: str) -> None:
    with contextlib.suppress(TaxonomyError):
        documents.read(text)


def test_json_is_read_too() -> None:
    assert documents.read('{"dimensions": [{"name": "a", "several": true}]}') == {
        "dimensions": [{"name": "a", "several": True}]
    }


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), inner),
    max_leaves=8,
)


@given(plain)
def test_what_is_written_is_read_back_unchanged(document: object) -> None:
    assert documents.read(documents.write(document)) == document


def test_writing_is_made_for_reviewers() -> None:
    shared = ["grün"]
    text = documents.write({"prompt": "Two\nlines", "models": shared, "apps": shared, "answer": "no"})
    assert text == "prompt: |-\n  Two\n  lines\nmodels:\n  - grün\napps:\n  - grün\nanswer: 'no'\n"
