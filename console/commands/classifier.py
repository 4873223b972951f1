"""`aftertag classifier`: what is asked about a workspace's generations, by which model, how often."""

from typing import Annotated, Any

import typer

from console import options, output, session
from console.commands import classifier_settings as settings

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="a-z, 0-9, - and _; up to 63.")]
Presets = Annotated[
    list[str] | None, typer.Option("--preset", "-p", help="A preset to start from; several ask the dimensions of all.")
]
File = Annotated[
    str | None, typer.Option("--file", "-f", help="A YAML or JSON file to start from; - reads standard input.")
]
State = Annotated[
    bool | None, typer.Option("--activate/--draft", help="Ask it from now on, or keep it as a draft that asks nothing.")
]


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(no_args_is_help=True)
    group.command("create")(create)
    group.command("update")(update)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("history")(history)
    group.command("activate")(activate)
    group.command("pause")(pause)
    app.add_typer(group, name="classifier", help="Classifiers: what is asked, by which model, how often.")


def create(
    name: NameArgument,
    workspace: options.Workspace,
    preset: Presets = None,
    file: File = None,
    endpoint: settings.Endpoint = None,
    model: settings.Model = None,
    rate: settings.Rate = None,
    sample_by: settings.SampleBy = None,
    read: settings.Read = None,
    filter_model: settings.FilterModel = None,
    filter_app: settings.FilterApp = None,
    filter_user: settings.FilterUser = None,
    filter_metadata: settings.FilterMetadata = None,
    daily_budget_usd: settings.DailyBudget = None,
    context_tokens: settings.ContextTokens = None,
    keep_text_days: settings.KeepTextDays = None,
    activate: State = None,
    actor: options.Actor = "",
    as_json: options.AsJson = False,
) -> None:
    """Make a classifier from presets or from a file; a draft, unless --activate.

    The endpoint is the first that is configured, else `local`, which needs no network and no key. Of OpenRouter, OpenAI
    and Anthropic a cheap model is asked unless --model names another; what other servers serve only you know: name it.

    \b
    Examples:
      aftertag classifier create work -w acme -p department -p task_type --activate
      aftertag classifier create risk -w acme -p risk --rate 0.1 --filter-app 'shop-*'
      aftertag classifier create mine -w acme -f mine.yaml --endpoint openai
      aftertag classifier create home -w acme -p risk --endpoint ollama --model llama3.2
    """
    from console import definitions
    from worker.store import classifiers, members, workspaces

    if bool(preset) == bool(file):
        raise typer.BadParameter("give one of --preset and --file", param_hint="--preset / --file")
    endpoints = session.endpoints()
    given = settings.collected(
        endpoint, model, rate, sample_by, read, filter_model, filter_app, filter_user, filter_metadata,
        daily_budget_usd, context_tokens,
    )  # fmt: skip
    document: Any = definitions.read_file(file) if file else {"preset": preset}
    if file:
        wanted = definitions.from_document(document, given, source=definitions.source_of(file), endpoints=endpoints)
    else:
        wanted = definitions.from_presets(preset or [], given, endpoints=endpoints)
    definitions.require_configured(wanted, endpoints)
    with session.engine() as engine, engine.begin() as connection:
        who = members.acting(connection, workspace, options.who(actor))
        state: classifiers.State = "active" if activate else "draft"
        made = classifiers.create(connection, workspace, name, wanted, state=state, configured_by=who)
        if keep_text_days is not None:
            workspaces.update(connection, workspace, keep_text_days=keep_text_days)
    _tell(made, "is made", as_json=as_json)
    if told := definitions.note_on_rates(document | given):
        output.note(f"{told} --rate sets another.")
    _tell_of_budget(made, endpoints)


def update(
    name: NameArgument,
    workspace: options.Workspace,
    preset: Presets = None,
    file: File = None,
    endpoint: settings.Endpoint = None,
    model: settings.Model = None,
    rate: settings.Rate = None,
    sample_by: settings.SampleBy = None,
    read: settings.Read = None,
    filter_model: settings.FilterModel = None,
    filter_app: settings.FilterApp = None,
    filter_user: settings.FilterUser = None,
    filter_metadata: settings.FilterMetadata = None,
    no_filters: Annotated[bool, typer.Option("--no-filters", help="Remove all filters first.")] = False,
    daily_budget_usd: settings.DailyBudget = None,
    context_tokens: settings.ContextTokens = None,
    keep_text_days: settings.KeepTextDays = None,
    activate: State = None,
    actor: options.Actor = "",
    as_json: options.AsJson = False,
) -> None:
    """Change a classifier: what is given changes, the rest stays. Every change is a new version; old ones never change.

    --file replaces what the file says, --preset the taxonomy and the prompt.
    A budget or context of 0 removes the limit.

    \b
    Examples:
      aftertag classifier update work --workspace acme --rate 0.25
      aftertag classifier update work --workspace acme --file mine.yaml
    """
    from console import definitions
    from worker.store import classifiers, members, workspaces

    if preset and file:
        raise typer.BadParameter("give one of --preset and --file", param_hint="--preset / --file")
    endpoints = session.endpoints()
    given = settings.collected(
        endpoint, model, rate, sample_by, read, filter_model, filter_app, filter_user, filter_metadata,
        daily_budget_usd, context_tokens, no_filters=no_filters,
    )  # fmt: skip
    asked: dict[str, Any] = {}
    if preset or file:
        document = definitions.read_file(file) if file else {"preset": preset}
        asked = definitions.parts(document, source=definitions.source_of(file) if file else "presets")
    with session.engine() as engine, engine.begin() as connection:
        workspaces.lock(connection, workspace)  # what is changed here must not change under us
        former = classifiers.find(connection, workspace, name)
        changes = asked | settings.over(former.definition, given)
        wanted = definitions.revised(former.definition, changes, endpoints=endpoints)
        if wanted.endpoint != former.definition.endpoint:
            definitions.require_configured(wanted, endpoints)
        who = members.acting(connection, workspace, options.who(actor))
        state: classifiers.State | None = None if activate is None else "active" if activate else "draft"
        made = classifiers.update(connection, workspace, name, wanted, state=state, configured_by=who)
        if keep_text_days is not None:
            workspaces.update(connection, workspace, keep_text_days=keep_text_days)
    changed = (made.version, made.state) != (former.version, former.state)
    _tell(made, "is changed" if changed else "is as it was", as_json=as_json)
    _tell_of_budget(made, endpoints)


def list_(workspace: options.Workspace, as_json: options.AsJson = False) -> None:
    """List a workspace's classifiers: state, version, endpoint, model, rate, dimensions, budget."""
    from worker.store import classifiers

    with session.engine() as engine, engine.begin() as connection:
        found = classifiers.list_all(connection, workspace)
    if as_json:
        output.json_object([settings.document(one) for one in found])
        return
    output.table(
        None,
        ["classifier", "state", "version", "endpoint", "model", "rate", "asks", "budget/day", "configured by"],
        [settings.row(one) for one in found],
        empty=f"{workspace!r} has no classifiers; make one with `aftertag classifier create`.",
    )


def show(
    name: NameArgument,
    workspace: options.Workspace,
    version: Annotated[int | None, typer.Option(min=1, help="A version; the present one unless given.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show a classifier's whole definition, as YAML."""
    from taxonomies import documents
    from worker import errors
    from worker.store import classifiers

    with session.engine() as engine, engine.begin() as connection:
        versions = {one.version: one for one in classifiers.versions(connection, workspace, name)}
    chosen = versions.get(version or max(versions))
    if chosen is None:
        raise errors.NotFoundError(f"Classifier {name!r} has no version {version}; it has 1 to {max(versions)}.")
    document = chosen.definition.to_document()
    if as_json:
        output.json_object({"name": name, "workspace": workspace, "version": chosen.version, "definition": document})
    else:
        output.document(documents.write(document))


def history(name: NameArgument, workspace: options.Workspace, as_json: options.AsJson = False) -> None:
    """List a classifier's versions: when, by whom, with which model and rate."""
    from worker.store import classifiers

    with session.engine() as engine, engine.begin() as connection:
        found = classifiers.versions(connection, workspace, name)
    if as_json:
        output.json_object([settings.version_document(one) for one in found])
        return
    output.table(
        None,
        ["version", "configured (UTC)", "by", "endpoint", "model", "rate", "asks"],
        [
            (
                one.version, one.configured_at, one.configured_by, one.definition.endpoint, one.definition.model,
                settings.percent(one.definition.sampling_rate), settings.asked(one.definition),
            )
            for one in found
        ],
    )  # fmt: skip


def activate(
    name: NameArgument, workspace: options.Workspace, actor: options.Doer = "", as_json: options.AsJson = False
) -> None:
    """Ask a classifier from now on. Of all that are active or paused, no two may ask the same dimension.

    Its calls are billed to the member who configured the present version, whoever activates it.
    """
    from console import definitions
    from worker.store import classifiers, members

    with session.engine() as engine, engine.begin() as connection:
        definitions.require_configured(classifiers.find(connection, workspace, name).definition, session.endpoints())
        members.acting(connection, workspace, options.who(actor))
        made = classifiers.activate(connection, workspace, name)
    _tell(made, "is active", as_json=as_json)
    if made.configured_by not in (None, options.who(actor)):
        output.note(f"Its calls are billed to {made.configured_by}, who configured version {made.version}.")


def pause(
    name: NameArgument, workspace: options.Workspace, actor: options.Doer = "", as_json: options.AsJson = False
) -> None:
    """Ask a classifier no more, until it is activated again; generations say `paused`."""
    from worker.store import classifiers, members

    with session.engine() as engine, engine.begin() as connection:
        made = classifiers.pause(connection, workspace, name)
        members.acting(connection, workspace, options.who(actor))
    _tell(made, "is paused", as_json=as_json)


def _tell_of_budget(classifier: Any, endpoints: Any) -> None:
    from console import definitions

    found = classifier.definition
    if found.daily_budget_usd is not None and not definitions.price_is_known(found, endpoints):
        output.note(
            f"Nobody here knows the price of {found.model!r} at endpoint {found.endpoint!r}:"
            " unless the endpoint itself reports what each call costs, the daily budget cannot be held."
        )


def _tell(classifier: Any, what: str, *, as_json: bool) -> None:
    if as_json:
        output.json_object(settings.document(classifier))
        return
    output.line(f"Classifier {classifier.name!r} {what}: {settings.sentence(classifier)}.")
    if classifier.state == "draft":
        command = f"aftertag classifier activate {classifier.name} --workspace {classifier.workspace}"
        output.note(f"It is a draft and asks nothing yet; activate it with `{command}`.")
