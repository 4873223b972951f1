"""`aftertag taxonomy`: the presets that ship, and what a file of one's own would ask. Needs no database."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console import options, output

if TYPE_CHECKING:
    from classifier_models.endpoints import Endpoint
    from taxonomies.definition import ClassifierDefinition
    from taxonomies.presets import Preset
    from taxonomies.taxonomy import Taxonomy

NameOrFile = Annotated[
    str,
    typer.Argument(metavar="NAME_OR_FILE", help="A preset's name, or a YAML or JSON file (- reads standard input)."),
]


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(no_args_is_help=True)
    group.command("presets")(presets)
    group.command("show")(show)
    group.command("validate")(validate)
    group.command("schema")(schema)
    group.command("prompt")(prompt)
    app.add_typer(group, name="taxonomy", help="Taxonomies: the presets that ship, and files of your own.")


def presets(as_json: options.AsJson = False) -> None:
    """List the presets that ship."""
    from taxonomies import presets as shipped

    found = [shipped.load(name) for name in shipped.names()]
    if as_json:
        output.json_object([_summary(preset) for preset in found])
        return
    output.table(
        None,
        ["preset", "asks", "rate", "description"],
        [(preset.name, _asked(preset.taxonomy), f"{preset.sampling_rate:.0%}", preset.description) for preset in found],
    )
    output.note(
        "\nShow one with `aftertag taxonomy show NAME`; use it with `aftertag classifier create … --preset NAME`."
    )


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A preset's name.")], as_json: options.AsJson = False
) -> None:
    """Show a preset as YAML: a file to start your own from.

    \b
    Example:
      aftertag taxonomy show department > mine.yaml
      aftertag taxonomy validate mine.yaml
      aftertag classifier create mine --workspace acme --file mine.yaml
    """
    from taxonomies import documents
    from taxonomies import presets as shipped

    document = _document(shipped.load(name))
    if as_json:
        output.json_object(document)
    else:
        output.document(documents.write(document))


def validate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A YAML or JSON file; - reads standard input.")],
    as_json: options.AsJson = False,
) -> None:
    """Check a file: a taxonomy, a classifier, or a workspace's classifiers as `apply` takes them.

    Every problem is one line that names its path in the file; the exit code is 1 when there is any.
    """
    from console import definitions
    from taxonomies.errors import TaxonomyError

    source = definitions.source_of(file)
    try:
        found = _classifiers_in(definitions.read_file(file), source)
    except TaxonomyError as error:
        if not as_json:
            raise
        output.json_object({"file": source, "valid": False, "problems": error.problems})
        raise typer.Exit(1) from None
    if as_json:
        asked = {name: _dimensions(one.taxonomy) for name, one in found.items()}
        output.json_object({"file": source, "valid": True, "problems": [], "classifiers": asked})
        return
    for name, one in found.items():
        output.line(f"{source}: {name + ': ' if name else ''}valid; asks {_asked(one.taxonomy)}")


def schema(name_or_file: NameOrFile) -> None:
    """Show the JSON schema that a model's answer must fit."""
    from taxonomies.schema import to_json_schema

    output.json_object(to_json_schema(_one(name_or_file).taxonomy))


def prompt(name_or_file: NameOrFile) -> None:
    """Show the system message that a model is sent: definitions, examples, rules."""
    from taxonomies.prompt import to_system_prompt

    found = _one(name_or_file)
    output.document(to_system_prompt(found.taxonomy, found.prompt))


def _one(name_or_file: str) -> "ClassifierDefinition":
    from pathlib import Path

    from console import definitions
    from taxonomies import presets as shipped
    from worker.errors import InvalidRequestError

    if name_or_file in shipped.names():
        return definitions.from_presets([name_or_file], {}, endpoints=_no_others())
    if name_or_file != "-" and not Path(name_or_file).exists():
        raise InvalidRequestError(
            f"There is neither a preset nor a file {name_or_file!r}; the presets are: {', '.join(shipped.names())}."
        )
    source = definitions.source_of(name_or_file)
    return definitions.from_document(definitions.read_file(name_or_file), {}, source=source, endpoints=_no_others())


def _no_others() -> "dict[str, Endpoint]":
    """What a file means does not depend on what happens to be configured on this machine."""
    from classifier_models.endpoints import LOCAL

    return {LOCAL.name: LOCAL}


def _classifiers_in(document: object, source: str) -> "dict[str, ClassifierDefinition]":
    from console import applying, definitions

    if isinstance(document, dict) and "classifiers" in document:
        steps = applying.read(document, source=source, endpoints=_no_others()).steps
        return {step.name: step.definition for step in steps if step.definition is not None}
    return {"": definitions.from_document(document, {}, source=source, endpoints=_no_others())}


def _dimensions(taxonomy: "Taxonomy") -> dict[str, int]:
    return {dimension.name: len(dimension.values) for dimension in taxonomy.dimensions}


def _asked(taxonomy: "Taxonomy") -> str:
    return ", ".join(f"{name} ({values} values)" for name, values in _dimensions(taxonomy).items())


def _summary(preset: "Preset") -> dict[str, Any]:
    shown = ("name", "title", "description", "model", "sampling_rate")
    return {name: getattr(preset, name) for name in shown} | {"dimensions": _dimensions(preset.taxonomy)}


def _document(preset: "Preset") -> dict[str, Any]:
    shown = ("title", "description", "model", "sampling_rate", "prompt")
    settings = {name: getattr(preset, name) for name in shown}
    return settings | preset.taxonomy.model_dump(mode="json", exclude_defaults=True)
