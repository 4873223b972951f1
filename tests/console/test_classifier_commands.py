import getpass
from pathlib import Path

import pytest

from tests.console.command_line import CommandLine, on

CREATE = ("classifier", "create", "work", "-w", "acme")
UPDATE = ("classifier", "update", "work", "-w", "acme")


@pytest.fixture
def aftertag(database_url: str) -> CommandLine:
    command_line = on(database_url)
    command_line.done("workspace", "create", "acme", "--as", "ada")
    return command_line


def only(aftertag: CommandLine) -> dict[str, object]:
    (classifier,) = aftertag.done("classifier", "list", "-w", "acme", "--json").json
    assert isinstance(classifier, dict)
    return classifier


def test_a_classifier_from_presets_asks_the_dimensions_of_all_at_the_endpoint_that_needs_no_key(
    aftertag: CommandLine,
) -> None:
    ended = aftertag.done(*CREATE, "--preset", "department", "--preset", "task_type")
    assert "version 1, draft; asks department, task_type about 100 % of generations" in ended.stdout
    assert "aftertag classifier activate work --workspace acme" in ended.stderr
    made = only(aftertag)
    assert made["dimensions"] == ["department", "task_type"]
    assert (made["state"], made["endpoint"], made["model"]) == ("draft", "local", "local-lexical")
    assert made["configured_by"] == getpass.getuser()


def test_every_setting_is_kept_as_it_was_given(aftertag: CommandLine) -> None:
    aftertag.done(
        *CREATE, "-p", "risk", "--rate", "0.125", "--sample-by", "session", "--read", "prompts",
        "--filter-model", "gpt-*", "--filter-model", "o?", "--filter-app", "shop", "--filter-user", "*@acme.com",
        "--filter-metadata", "team=a*", "--daily-budget-usd", "2.50", "--context-tokens", "32000",
        "--keep-text-days", "7", "--activate", "--as", "ada",
    )  # fmt: skip
    made = only(aftertag)
    given = {
        "state": "active",
        "sampling_rate": 0.125,
        "sample_by": "session",
        "read": "prompts",
        "filters": {"models": ["gpt-*", "o?"], "apps": ["shop"], "users": ["*@acme.com"], "metadata": {"team": "a*"}},
        "daily_budget_usd": 2.5,
        "context_tokens": 32_000,
        "configured_by": "ada",
    }
    assert {name: made[name] for name in given} == given
    assert aftertag.done("workspace", "list", "--json").json[0]["keep_text_days"] == 7


@pytest.mark.parametrize(
    ("settings", "endpoint", "model"),
    [
        ({"OPENROUTER_API_KEY": "k", "OPENAI_API_KEY": "k"}, "openrouter", "google/gemini-3.5-flash-lite"),
        ({"OPENAI_API_KEY": "k"}, "openai", "gpt-6-luna"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic", "claude-haiku-5-5"),
        ({"OPENAI_API_KEY": "k", "OLLAMA_HOST": "127.0.0.1:9"}, "openai", "gpt-6-luna"),
    ],
)
def test_the_first_configured_endpoint_is_asked_with_a_model_that_it_knows(
    aftertag: CommandLine, database_url: str, settings: dict[str, str], endpoint: str, model: str
) -> None:
    on(database_url, **settings).done(*CREATE, "-p", "risk")
    made = only(aftertag)
    assert (made["endpoint"], made["model"]) == (endpoint, model)


@pytest.mark.parametrize("preset_or_file", ["preset", "file"])
@pytest.mark.parametrize(
    ("settings", "endpoint"),
    [
        ({"OLLAMA_HOST": "127.0.0.1:9"}, "ollama"),
        ({"AFTERTAG_ENDPOINT_HOUSE_URL": "http://127.0.0.1:9/v1"}, "house"),
        ({"AFTERTAG_ENDPOINT_GROQ_URL": "https://api.groq.com/openai/v1"}, "groq"),
    ],
)
def test_where_only_the_operator_knows_what_is_served_the_model_has_to_be_named(
    aftertag: CommandLine,
    database_url: str,
    tmp_path: Path,
    settings: dict[str, str],
    endpoint: str,
    preset_or_file: str,
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("dimensions: [{name: topic, values: [a, b]}]")
    start = ("-p", "risk") if preset_or_file == "preset" else ("-f", str(file))
    here = on(database_url, **settings)
    told = here.refused(*CREATE, *start)
    assert f"obody but you knows which models endpoint {endpoint!r} serves; name one" in told
    assert "--model" in told
    assert aftertag.done("classifier", "list", "-w", "acme", "--json").json == []
    here.done(*CREATE, *start, "--model", "my-own")
    assert (only(aftertag)["endpoint"], only(aftertag)["model"]) == (endpoint, "my-own")
    aftertag.done(*UPDATE, "--endpoint", "local")
    assert "nobody but you" in here.refused(*UPDATE, "--endpoint", endpoint).lower()
    here.done(*UPDATE, "--endpoint", endpoint, "--model", "other")
    assert only(aftertag)["model"] == "other"


def test_of_two_presets_with_different_rates_the_highest_is_taken_and_told(aftertag: CommandLine) -> None:
    two = ("-p", "agent_complexity", "-p", "risk")
    told = aftertag.done(*CREATE, *two).stderr
    assert "different sampling rates (agent_complexity 25 %, risk 100 %); the highest is taken, 100 %." in told
    assert only(aftertag)["sampling_rate"] == 1.0
    for name, arguments in (("other", (*two, "--rate", "0.5")), ("alike", ("-p", "risk", "-p", "audience"))):
        assert "rates" not in aftertag.done("classifier", "create", name, "-w", "acme", *arguments).stderr


@pytest.mark.parametrize(
    ("endpoint", "variable"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("house", "AFTERTAG_ENDPOINT_HOUSE_URL"),
        ("my-llm", "AFTERTAG_ENDPOINT_MY_LLM_URL"),
    ],
)
def test_an_endpoint_that_is_not_configured_here_is_refused_with_the_variable_to_set(
    aftertag: CommandLine, database_url: str, endpoint: str, variable: str
) -> None:
    told = aftertag.refused(*CREATE, "-p", "risk", "--endpoint", endpoint)
    assert told.startswith(f"Endpoint '{endpoint}' is not configured here; set {variable}")
    house = on(database_url, AFTERTAG_ENDPOINT_X_URL="http://127.0.0.1:9")
    house.done(*CREATE, "-p", "risk", "--model", "m")
    assert "'x' is not configured here" in aftertag.refused("classifier", "activate", "work", "-w", "acme")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-p", "nothing"), "There is no preset 'nothing'"),
        (("-p", "risk", "-p", "risk"), "risk"),
        (("-p", "risk", "--endpoint", "http://evil.example/v1"), "is no endpoint's name; addresses are the operator's"),
        (("-p", "risk", "--daily-budget-usd", "much"), "daily_budget_usd: 'much' is not a number"),
        (("-p", "risk", "--daily-budget-usd", "-1"), "daily_budget_usd"),
        (("-p", "risk", "--context-tokens", "5"), "context_tokens"),
        (("-p", "risk", "--model", "a b"), "model: 'a b' holds blanks"),
        (("-f", "/nowhere.yaml"), "'/nowhere.yaml' cannot be used: No such file"),
    ],
)
def test_what_cannot_be_a_classifier_is_refused_in_one_sentence(
    aftertag: CommandLine, arguments: tuple[str, ...], told: str
) -> None:
    assert told in aftertag.refused(*CREATE, *arguments)
    assert aftertag.done("classifier", "list", "-w", "acme", "--json").json == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-p", "risk", "-f", "x.yaml"),
        ("-p", "risk", "--rate", "1.5"),
        ("-p", "risk", "--rate", "nan"),
        ("-p", "risk", "--sample-by", "day"),
        ("-p", "risk", "--filter-metadata", "team"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_makes_nothing(aftertag: CommandLine, arguments: tuple[str, ...]) -> None:
    assert aftertag(*CREATE, *arguments).exit_code == 2
    assert aftertag.done("classifier", "list", "-w", "acme", "--json").json == []


def test_a_name_or_workspace_that_is_not_there_is_one_sentence(aftertag: CommandLine) -> None:
    assert "no workspace 'nope'" in aftertag.refused("classifier", "create", "x", "-w", "nope", "-p", "risk")
    for command in ("activate", "pause", "show", "history"):
        assert "no classifier 'nope' in 'acme'" in aftertag.refused("classifier", command, "nope", "-w", "acme")
    aftertag.done(*CREATE, "-p", "risk")
    assert "classifier 'work' in 'acme' already" in aftertag.refused(*CREATE, "-p", "risk")


def test_a_change_makes_a_version_and_the_same_again_makes_none(aftertag: CommandLine) -> None:
    aftertag.done(*CREATE, "-p", "risk", "--activate", "--as", "ada")
    assert "is changed: version 2, active" in aftertag.done(*UPDATE, "--rate", "0.5", "--as", "bob").stdout
    assert "is as it was: version 2" in aftertag.done(*UPDATE, "--rate", "0.5").stdout
    versions = aftertag.done("classifier", "history", "work", "-w", "acme", "--json").json
    assert [(one["version"], one["sampling_rate"], one["configured_by"]) for one in versions] == [
        (2, 0.5, "bob"),
        (1, 1.0, "ada"),
    ]
    first = aftertag.done("classifier", "show", "work", "-w", "acme", "--version", "1", "--json").json
    assert first["definition"]["sampling_rate"] == 1.0
    assert "it has 1 to 2" in aftertag.refused("classifier", "show", "work", "-w", "acme", "--version", "3")
    assert "50 %" in aftertag.done("classifier", "history", "work", "-w", "acme").stdout


def test_filters_and_limits_are_added_kept_and_removed(aftertag: CommandLine) -> None:
    aftertag.done(*CREATE, "-p", "risk", "--filter-app", "shop", "--daily-budget-usd", "5", "--context-tokens", "4000")
    aftertag.done(*UPDATE, "--filter-user", "ada")
    empty: dict[str, object] = {"models": [], "apps": [], "users": [], "metadata": {}}
    assert only(aftertag)["filters"] == {**empty, "apps": ["shop"], "users": ["ada"]}
    aftertag.done(*UPDATE, "--no-filters", "--filter-model", "o*")
    assert only(aftertag)["filters"] == {**empty, "models": ["o*"]}
    assert only(aftertag)["daily_budget_usd"] == 5
    aftertag.done(*UPDATE, "--no-filters", "--daily-budget-usd", "0", "--context-tokens", "0")
    without = only(aftertag)
    assert (without["filters"], without["daily_budget_usd"], without["context_tokens"]) == (empty, None, None)


def test_another_endpoint_brings_a_model_that_it_knows(database_url: str, aftertag: CommandLine) -> None:
    aftertag.done(*CREATE, "-p", "risk")
    keys = on(database_url, OPENAI_API_KEY="k", OPENROUTER_API_KEY="k")
    keys.done(*UPDATE, "--endpoint", "openai")
    assert only(aftertag)["model"] == "gpt-6-luna"
    keys.done(*UPDATE, "--endpoint", "openrouter", "--model", "x/y")
    assert only(aftertag)["model"] == "x/y"
    aftertag.done(*UPDATE, "--rate", "0.5")  # its endpoint is not configured here, and does not change
    aftertag.done(*UPDATE, "--endpoint", "local")
    assert only(aftertag)["model"] == "local-lexical"


def test_a_file_replaces_what_it_says_and_the_rest_stays(aftertag: CommandLine, tmp_path: Path) -> None:
    aftertag.done(*CREATE, "-p", "risk", "--rate", "0.5", "--filter-app", "shop")
    file = tmp_path / "mine.yaml"
    file.write_text("title: Mine\nmodel: a/b\nprompt: Decide.\ndimensions: [{name: topic, values: [a, b]}]\n")
    aftertag.done(*UPDATE, "--file", str(file))
    changed = only(aftertag)
    assert (changed["dimensions"], changed["sampling_rate"], changed["model"]) == (["topic"], 0.5, "local-lexical")
    shown = aftertag.done("classifier", "show", "work", "-w", "acme").stdout
    assert "prompt: Decide." in shown
    file.write_text(shown.replace("sampling_rate: 0.5", "sampling_rate: 0.25"))
    aftertag.done(*UPDATE, "--file", str(file))
    assert only(aftertag)["sampling_rate"] == 0.25
    aftertag.done(*UPDATE, "--preset", "department")
    assert (only(aftertag)["dimensions"], only(aftertag)["sampling_rate"]) == (["department"], 0.25)


def test_of_two_that_ask_the_same_dimension_one_may_stand(aftertag: CommandLine) -> None:
    aftertag.done(*CREATE, "-p", "department", "-p", "risk", "--activate")
    told = aftertag.refused("classifier", "create", "teams", "-w", "acme", "-p", "department", "--activate")
    assert told.startswith("Classifiers 'teams' and 'work' both ask 'department'")
    assert "`aftertag classifier update work --workspace acme --draft`" in told
    aftertag.done("classifier", "create", "teams", "-w", "acme", "-p", "department")
    aftertag.done("classifier", "pause", "work", "-w", "acme")
    assert "both ask 'department'" in aftertag.refused("classifier", "activate", "teams", "-w", "acme")
    aftertag.done(*UPDATE, "--draft")
    aftertag.done("classifier", "activate", "teams", "-w", "acme")
    states = {one["name"]: one["state"] for one in aftertag.done("classifier", "list", "-w", "acme", "--json").json}
    assert states == {"teams": "active", "work": "draft"}


def test_whoever_activates_is_a_member_and_the_one_who_configured_pays(aftertag: CommandLine) -> None:
    aftertag.done(*CREATE, "-p", "risk", "--as", "ada")
    told = aftertag.done("classifier", "activate", "work", "-w", "acme", "--as", "bob")
    assert "Its calls are billed to ada, who configured version 1." in told.stderr
    assert "billed" not in aftertag.done("classifier", "activate", "work", "-w", "acme", "--as", "ada").stderr
    aftertag.done("classifier", "pause", "work", "-w", "acme", "--as", "carl")
    assert (only(aftertag)["version"], only(aftertag)["configured_by"]) == (1, "ada")
    assert [one["name"] for one in aftertag.done("member", "list", "-w", "acme", "--json").json] == [
        "ada",
        "bob",
        "carl",
    ]


@pytest.mark.parametrize("nothing", ["0", "0.0", " 0.00 ", "0e3"])
def test_a_budget_of_nothing_removes_it_however_it_is_written(aftertag: CommandLine, nothing: str) -> None:
    aftertag.done(*CREATE, "-p", "risk", "--daily-budget-usd", "5")
    aftertag.done(*UPDATE, "--daily-budget-usd", nothing)
    assert only(aftertag)["daily_budget_usd"] is None
    assert "'much' is not a number" in aftertag.refused(*UPDATE, "--daily-budget-usd", "much")


def test_a_budget_that_no_known_price_can_hold_is_told(database_url: str, aftertag: CommandLine) -> None:
    house = on(database_url, AFTERTAG_ENDPOINT_HOUSE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY="k")
    budget = ("-p", "risk", "--daily-budget-usd", "5")
    told = house.done(*CREATE, *budget, "--endpoint", "house", "--model", "nobody-knows-me", "--json")
    assert told.json["daily_budget_usd"] == 5
    assert "Nobody here knows the price of 'nobody-knows-me' at endpoint 'house'" in told.stderr
    assert "the daily budget cannot be held" in told.stderr
    assert "price" not in house.done(*UPDATE, "--endpoint", "openai", "--model", "gpt-4o-mini").stderr
    assert "price" not in house.done(*UPDATE, "--endpoint", "local").stderr
    assert "price" not in house.done(*UPDATE, "--endpoint", "house", "--model", "m", "--daily-budget-usd", "0").stderr


def test_a_draft_has_nothing_to_pause(aftertag: CommandLine) -> None:
    aftertag.done(*CREATE, "-p", "risk")
    assert "'work' is a draft" in aftertag.refused("classifier", "pause", "work", "-w", "acme")


def test_a_refused_command_leaves_nothing_behind(aftertag: CommandLine) -> None:
    aftertag.done(*CREATE, "-p", "risk", "--activate")
    again = ("classifier", "create", "other", "-w", "acme", "-p", "risk", "--activate", "--keep-text-days", "1")
    aftertag.refused(*again, "--as", "stranger")
    assert only(aftertag)["name"] == "work"
    assert "stranger" not in aftertag.done("member", "list", "-w", "acme").stdout
    assert aftertag.done("workspace", "list", "--json").json[0]["keep_text_days"] == 30
