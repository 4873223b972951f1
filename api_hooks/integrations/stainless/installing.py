"""Put the watch on an SDK's clients, all of them or one, and take it off again."""

import functools
import inspect
import logging
from collections.abc import Iterable
from typing import Any

from api_hooks.integrations.stainless.sdk import Sdk
from api_hooks.integrations.stainless.watching import watched, watched_async

logger = logging.getLogger("aftertag")

_SEAM = "_process_response"
_COPYING = ("copy", "with_options")


def instrument(sdk: Sdk, client: Any) -> None:
    """See `api_hooks.instrument_openai`."""
    if client is None:
        install_everywhere(sdk, sdk.clients())
    else:
        install(sdk, client)


def uninstrument(sdk: Sdk, client: Any) -> None:
    """See `api_hooks.uninstrument_openai`."""
    if client is None:
        remove_everywhere(sdk.clients())
    else:
        remove(client)


def install_everywhere(sdk: Sdk, classes: Iterable[type]) -> None:
    """Watch all clients of these classes, those that are there already, too. Done twice, it does nothing."""
    for client_class in classes:
        owner = _owner(client_class)
        if owner is None:
            logger.warning("This version of %s cannot be watched: its calls are not handed over.", sdk.name)
        elif not _is_ours(vars(owner)[_SEAM]):
            setattr(owner, _SEAM, _watch(vars(owner)[_SEAM], sdk))


def remove_everywhere(classes: Iterable[type]) -> None:
    for client_class in classes:
        owner = _owner(client_class)
        if owner is not None and _is_ours(vars(owner)[_SEAM]):
            setattr(owner, _SEAM, vars(owner)[_SEAM].__wrapped__)


def install(sdk: Sdk, client: Any) -> None:
    """Watch one client, and the copies that its `with_options` makes."""
    owner = _owner(type(client))
    if owner is None or not _is_from(sdk, type(client)):
        logger.warning("This is no client of %s that can be watched: its calls are not handed over.", sdk.name)
        return
    if _SEAM in vars(client):
        return
    seam = vars(owner)[_SEAM]
    seam = seam.__wrapped__ if _is_ours(seam) else seam  # all clients are watched, too: still only once
    vars(client)[_SEAM] = _watch(seam.__get__(client), sdk)
    for name in _COPYING:
        if hasattr(client, name):
            vars(client)[name] = _copying(getattr(client, name), sdk)


def remove(client: Any) -> None:
    """Leave one client alone again; if all are watched, it still is."""
    for name in (_SEAM, *_COPYING):
        if _is_ours(vars(client).get(name)):
            del vars(client)[name]


def _owner(client_class: type) -> type | None:
    """The class that a client has the seam from; None where it is missing or of another kind."""
    for owner in client_class.__mro__:
        if _SEAM in vars(owner):
            parameters = inspect.signature(vars(owner)[_SEAM]).parameters
            return owner if {"options", "response", "stream"} <= set(parameters) else None
    return None


def _is_from(sdk: Sdk, client_class: type) -> bool:
    return any(base.__module__.partition(".")[0] == sdk.name for base in client_class.__mro__)


def _watch(seam: Any, sdk: Sdk) -> Any:
    watch = watched_async(seam, sdk) if inspect.iscoroutinefunction(seam) else watched(seam, sdk)
    watch.__dict__["_is_aftertags"] = True
    return watch


def _copying(original: Any, sdk: Sdk) -> Any:
    @functools.wraps(original)
    def copy(*given: Any, **named: Any) -> Any:
        made = original(*given, **named)
        install(sdk, made)
        return made

    copy.__dict__["_is_aftertags"] = True
    return copy


def _is_ours(method: Any) -> bool:
    return getattr(method, "_is_aftertags", False) is True
