"""Which model the demo asks: the one that was named, else the default of the first endpoint that has one, else `local`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console import default_models, definitions
from console.demo import conversations, troubles
from console.errors import UnreachableError

if TYPE_CHECKING:
    from classifier_models.endpoints import Endpoint
    from taxonomies.definition import ClassifierDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The classifier that the demo asks; `passed_over` are configured endpoints whose models only the operator knows."""

    definition: "ClassifierDefinition"
    passed_over: tuple[str, ...]

    @property
    def classifier(self) -> str:
        return f"work ({self.definition.endpoint}: {self.definition.model})"


def choose(endpoints: "Mapping[str, Endpoint]", *, endpoint: str | None, model: str | None) -> Choice:
    """Return the demo's classifier. Raise InvalidRequestError, NoDefaultModelError or TaxonomyError."""
    name = endpoint or default_models.first_with_default(endpoints).name
    settings = {"sampling_rate": 1.0, "endpoint": name} | ({"model": model} if model else {})
    definition = definitions.from_presets(conversations.PRESETS, settings, endpoints=endpoints)
    definitions.require_configured(definition, endpoints)
    before = list(endpoints)[: list(endpoints).index(name)]
    return Choice(definition=definition, passed_over=() if endpoint else tuple(before))


def require_reachable(choice: Choice, endpoints: "Mapping[str, Endpoint]") -> None:
    """Raise UnreachableError where the endpoint's server does not answer within a few seconds; no model is asked.

    Who named an endpoint, or has its key, wants to see that one: `local` never takes its place unasked.
    """
    from classifier_models import reaching

    asked = endpoints[choice.definition.endpoint]
    if (why := reaching.problem(asked)) is not None:
        raise UnreachableError(troubles.unreachable(asked, at=reaching.where(asked), why=why))
