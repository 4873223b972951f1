from pathlib import Path
from typing import Any

import pytest

from taxonomies import documents
from tests.console.command_line import CommandLine, on

FILE = """\
workspace: acme
keep_text_days: 7
classifiers:
  work:
    state: active
    preset: [department, task_type]
    sampling_rate: 0.25
  risks:
    prompt: Decide.
    dimensions: [{name: risk, values: [secrets, fraud], several: true}]
    filters: {apps: [shop-*]}
    daily_budget_usd: 5.00
"""


@pytest.fixture
def aftertag(database_url: str) -> CommandLine:
    return on(database_url)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "acme.yaml"
    file.write_text(FILE)
    return file


def actions(aftertag: CommandLine, *arguments: str) -> dict[str, Any]:
    applied = aftertag.done("apply", *arguments, "--json").json
    return {one["classifier"]: (one["action"], one["version"], one["state"]) for one in applied["classifiers"]}


def versions(aftertag: CommandLine) -> dict[str, int]:
    return {one["name"]: one["version"] for one in aftertag.done("classifier", "list", "-w", "acme", "--json").json}


def test_a_file_makes_its_workspace_and_classifiers(aftertag: CommandLine, file: Path) -> None:
    shown = aftertag.done("apply", "-f", str(file)).stdout
    assert "acme: keep_text_days 30 → 7" in shown
    assert "work: created (version 1, active)" in shown
    assert "risks: created (version 1, draft)" in shown
    assert "+sampling_rate: 0.25" in shown
    found = {one["name"]: one for one in aftertag.done("classifier", "list", "-w", "acme", "--json").json}
    assert found["work"]["dimensions"] == ["department", "task_type"]
    assert found["risks"]["filters"]["apps"] == ["shop-*"]
    assert found["risks"]["model"] == "local-lexical"


def test_a_preset_at_a_named_endpoint_is_asked_by_a_model_that_is_known_there(database_url: str) -> None:
    keys = on(database_url, OPENAI_API_KEY="k", OPENROUTER_API_KEY="k")
    keys.done("apply", "-w", "acme", "-f", "-", typed="classifiers: {work: {preset: risk, endpoint: openai}}")
    (made,) = keys.done("classifier", "list", "-w", "acme", "--json").json
    assert (made["endpoint"], made["model"]) == ("openai", "gpt-6-luna")


def test_a_file_with_presets_of_different_rates_is_told_which_is_taken_once(aftertag: CommandLine) -> None:
    text = "classifiers: {work: {preset: [agent_complexity, risk]}}"
    apply = ("apply", "-w", "acme", "-f", "-")
    told = "work: Its presets recommend different sampling rates (agent_complexity 25 %, risk 100 %)"
    assert told in aftertag.done(*apply, typed=text).stderr
    assert "rates" not in aftertag.done(*apply, typed=text).stderr


def test_a_second_apply_changes_nothing_and_says_so(aftertag: CommandLine, file: Path) -> None:
    aftertag.done("apply", "-f", str(file))
    again = aftertag.done("apply", "-f", str(file), "--as", "somebody-else")
    assert again.stdout.splitlines() == [
        "work: unchanged (version 1, active)",
        "risks: unchanged (version 1, draft)",
        "Nothing changed.",
    ]
    assert aftertag.done("apply", "-f", str(file), "--json").json["changed"] is False
    assert "somebody-else" not in aftertag.done("member", "list", "-w", "acme").stdout


def test_an_export_applied_is_no_change(aftertag: CommandLine, file: Path) -> None:
    aftertag.done("apply", "-f", str(file))
    exported = aftertag.done("export", "--workspace", "acme").stdout
    applied = aftertag.done("apply", "-f", "-", typed=exported).stdout
    assert applied.splitlines()[-1] == "Nothing changed."
    assert aftertag.done("export", "--workspace", "acme").stdout == exported
    as_json = aftertag.done("export", "--workspace", "acme", "--json").json
    assert as_json == documents.read(exported)


@pytest.mark.parametrize(
    "text",
    [
        "ends in blanks   \nsecond line\n",
        "\n\n leading lines",
        "tab\tand 'quotes' and \"double\" and # no comment: really",
        "עברית \u200f \u202eabc\u202c 日本語 🎈 e\u0301 \u00a0 \u2028 \u2029 \ufeff",
        "yes",
        "0x10",
        "- list\n- list",
        "a" * 500,
        "\u0085 next line",
        "windows\r\nlines\r",
    ],
)
def test_text_of_every_kind_comes_back_from_an_export_as_it_was(aftertag: CommandLine, text: str) -> None:
    value = {"name": "a", "description": text[:100], "examples": [text]}
    document = {"classifiers": {"one": {"prompt": text, "dimensions": [{"name": "topic", "values": [value, "b"]}]}}}
    aftertag.done("apply", "-f", "-", "-w", "acme", typed=documents.write(document))
    stored = aftertag.done("classifier", "show", "one", "-w", "acme", "--json").json["definition"]
    exported = aftertag.done("export", "-w", "acme").stdout
    back: Any = documents.read(exported)
    assert back["classifiers"]["one"]["prompt"] == stored["prompt"]
    assert back["classifiers"]["one"]["taxonomy"] == stored["taxonomy"]
    assert aftertag.done("apply", "-f", "-", typed=exported).stdout.splitlines()[-1] == "Nothing changed."


def test_a_changed_file_shows_its_diff_and_makes_a_version(aftertag: CommandLine, file: Path) -> None:
    aftertag.done("apply", "-f", str(file))
    file.write_text(FILE.replace("0.25", "0.5"))
    shown = aftertag.done("apply", "-f", str(file)).stdout.splitlines()
    assert shown[:3] == ["work: changed (version 2, active)", "--- work, version 1", "+++ work, version 2"]
    changed_lines = [line for line in shown[3:] if line.startswith(("+", "-"))]
    assert changed_lines == ["-sampling_rate: 0.25", "+sampling_rate: 0.5"]
    assert versions(aftertag) == {"work": 2, "risks": 1}


def test_a_dry_run_shows_everything_and_changes_nothing(aftertag: CommandLine, file: Path) -> None:
    shown = aftertag.done("apply", "-f", str(file), "--dry-run").stdout
    assert "work: created (version 1, active)" in shown
    assert "This was a dry run" in shown
    assert aftertag.done("workspace", "list", "--json").json == []
    aftertag.done("apply", "-f", str(file))
    file.write_text(FILE.replace("0.25", "0.5"))
    assert actions(aftertag, "-f", str(file), "--dry-run")["work"] == ("changed", 2, "active")
    assert versions(aftertag) == {"work": 1, "risks": 1}


def test_a_state_alone_is_a_change_without_a_version(aftertag: CommandLine, file: Path) -> None:
    aftertag.done("apply", "-f", str(file))
    file.write_text(FILE.replace("state: active", "state: paused"))
    assert actions(aftertag, "-f", str(file))["work"] == ("changed", 1, "paused")
    file.write_text(FILE.replace("    state: active\n", ""))
    assert actions(aftertag, "-f", str(file))["work"] == ("unchanged", 1, "paused")


def test_classifiers_that_the_file_does_not_name_are_left_alone_or_paused_by_prune(
    aftertag: CommandLine, file: Path
) -> None:
    aftertag.done("apply", "-f", str(file))
    for name, preset in [("old", "audience"), ("sketch", "risk")]:
        aftertag.done("classifier", "create", name, "-w", "acme", "-p", preset)
    aftertag.done("classifier", "activate", "old", "-w", "acme")
    shown = aftertag.done("apply", "-f", str(file)).stdout
    assert "old: left alone, the file does not name it (version 1, active; --prune pauses it)" in shown
    assert shown.splitlines()[-1] == "Nothing changed."
    pruned = actions(aftertag, "-f", str(file), "--prune")
    assert pruned["old"] == ("paused", 1, "paused")
    assert pruned["sketch"] == ("left alone", 1, "draft")
    assert actions(aftertag, "-f", str(file), "--prune")["old"] == ("left alone", 1, "paused")


def test_the_same_file_goes_into_another_workspace(aftertag: CommandLine, file: Path) -> None:
    aftertag.done("apply", "-f", str(file), "--workspace", "beta")
    assert [one["name"] for one in aftertag.done("workspace", "list", "--json").json] == ["beta"]
    file.write_text("classifiers: {}\n")
    assert aftertag("apply", "-f", str(file)).exit_code == 2


def test_two_classifiers_exchange_their_dimensions_in_one_file(aftertag: CommandLine) -> None:
    swapped = "classifiers: {one: {state: active, preset: %s}, two: {state: active, preset: %s}}"
    aftertag.done("apply", "-w", "acme", "-f", "-", typed=swapped % ("risk", "audience"))
    aftertag.done("apply", "-w", "acme", "-f", "-", typed=swapped % ("audience", "risk"))
    found = aftertag.done("classifier", "list", "-w", "acme", "--json").json
    assert [(one["dimensions"], one["version"]) for one in found] == [(["audience"], 2), (["risk"], 2)]


def test_what_cannot_be_applied_whole_is_not_applied_at_all(aftertag: CommandLine, file: Path) -> None:
    clashing = FILE + "  zebra: {state: active, preset: department}\n"
    told = aftertag.refused("apply", "-f", "-", typed=clashing)
    assert "both ask 'department'" in told
    assert aftertag.done("workspace", "list", "--json").json == []
    elsewhere = FILE + "  zebra: {preset: audience, endpoint: openai}\n"
    assert "set OPENAI_API_KEY" in aftertag.refused("apply", "-f", "-", typed=elsewhere)
    assert aftertag.done("workspace", "list", "--json").json == []


def test_an_endpoint_of_elsewhere_is_no_hindrance_where_nothing_changes(
    aftertag: CommandLine, database_url: str
) -> None:
    text = "classifiers: {work: {preset: risk, endpoint: openai, model: gpt-5.4-mini}}"
    on(database_url, OPENAI_API_KEY="k").done("apply", "-w", "acme", "-f", "-", typed=text)
    assert aftertag.done("apply", "-w", "acme", "-f", "-", typed=text).stdout.splitlines()[-1] == "Nothing changed."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "classifiers: is missing"),
        ("classifiers: {work: [a]}", "classifiers.work.(document): is not a mapping"),
        ("classifiers: {Work: {preset: risk}}", "classifiers.Work.(name): 'Work' cannot name a classifier"),
        (
            "classifiers: {work: {preset: risk, state: on}}",
            "classifiers.work.state: is none; write one of draft, active",
        ),
        ("classifiers: {work: {preset: risk, url: 'http://x'}}", "classifiers.work.url: is not a key known here"),
        (
            "classifiers: {work: {preset: risk, endpoint: 'http://x'}}",
            "classifiers.work.endpoint: 'http://x' is no endpo",
        ),
        ("classifiers: {work: {dimensions: []}}", "classifiers.work.dimensions: is empty"),
        ("classifiers: {work: {preset: nothing}}", "input: classifiers.work.preset: there is no preset 'nothing'"),
        (
            "classifiers: {work: {preset: risk, endpoint: ollama}}",
            "classifiers.work.model: is missing, and nobody but you knows which models endpoint 'ollama' serves",
        ),
        ("classifiers: {}\nspeed: 1", "speed: is not a key known here; use workspace, keep_text_days, classifiers"),
        ("classifiers: {}\nkeep_text_days: soon", "keep_text_days: is not a whole number"),
        ("classifiers: {}\nkeep_text_days: 99999", "Text cannot be kept for 99999 days"),
        ("workspace: 5\nclassifiers: {}", "workspace: is not text"),
        ("classifiers: {a: &x {preset: risk}, b: *x}", "aliases"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(aftertag: CommandLine, text: str, told: str) -> None:
    assert told in aftertag.refused("apply", "-w", "acme", "-f", "-", typed=text)
    assert aftertag.done("workspace", "list", "--json").json == []


def test_exporting_a_workspace_that_is_not_there_is_one_sentence(aftertag: CommandLine) -> None:
    assert "no workspace 'nope'" in aftertag.refused("export", "-w", "nope")
