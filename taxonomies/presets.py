"""The presets that ship: whole classifiers to start from, one YAML file each in `presets/`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field, ValidationError

from taxonomies import documents, errors, problems
from taxonomies.definition import Model, Prompt, Rate
from taxonomies.taxonomy import Configuration, Description, Dimension, Taxonomy, parse
from taxonomies.wording import Prose


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A taxonomy with the prompt, model and sampling rate (0 to 1) recommended for it."""

    name: str
    title: str
    description: str
    prompt: str
    model: str
    sampling_rate: float
    taxonomy: Taxonomy


class _PresetFile(Configuration):
    title: Annotated[Prose, Field(min_length=1, max_length=100)]
    description: Description
    model: Model
    sampling_rate: Rate
    prompt: Prompt
    dimensions: tuple[Dimension, ...]


@cache
def names() -> tuple[str, ...]:
    """Return the names of all presets, sorted."""
    folder = files("taxonomies") / "presets"
    return tuple(sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")))


def load(name: str) -> Preset:
    """Return the preset of that name. Raise UnknownPresetError."""
    if name not in names():
        raise errors.UnknownPresetError(name, names())
    return _load(name)


def combined(chosen: Sequence[str]) -> Preset:
    """Return one preset that asks the dimensions of all `chosen`, in their order, at the highest of their rates.

    Raise UnknownPresetError, or TaxonomyError when the dimensions are none, too many, or share a name.
    """
    presets = [load(name) for name in chosen]
    if len(presets) == 1:
        return presets[0]
    name = "_".join(preset.name for preset in presets)
    asked = [dimension for preset in presets for dimension in preset.taxonomy.dimensions]
    taxonomy = parse({"dimensions": asked}, source=" + ".join(chosen) or "presets")
    return Preset(
        name=name,
        title=" + ".join(preset.title for preset in presets),
        description=" ".join(preset.description for preset in presets),
        prompt="\n\n".join(preset.prompt.strip() for preset in presets),
        model=presets[0].model,
        sampling_rate=max(preset.sampling_rate for preset in presets),
        taxonomy=taxonomy,
    )


@cache
def _load(name: str) -> Preset:
    source = f"{name}.yaml"
    text = (files("taxonomies") / "presets" / source).read_text(encoding="utf-8")
    try:
        found = _PresetFile.model_validate(documents.read(text, source=source))
    except ValidationError as error:
        raise errors.TaxonomyError(problems.lines(error), source=source) from None
    return Preset(
        name=name,
        title=found.title,
        description=found.description,
        prompt=found.prompt,
        model=found.model,
        sampling_rate=found.sampling_rate,
        taxonomy=parse({"dimensions": found.dimensions}, source=source),
    )
