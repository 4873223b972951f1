"""Listen while the application reads what comes in, without being in its way, and tell of the end once.

The end is that of what is read, the closing of the response, its being collected as garbage, or that of the
interpreter, whichever comes first.
"""

import functools
import os
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any

from api_hooks import current
from api_hooks.integrations.stainless.assembling import EVENTS_OF_A_BEGINNING
from api_hooks.integrations.stainless.calls import Call

_open: weakref.WeakSet["Listener"] = weakref.WeakSet()
_is_remembering = False

_CHANGED = ("close", "aclose", "iter_bytes", "aiter_bytes", "parse")


class Listener:
    """Gathers what one answer brings. It keeps no stream or response alive, and what goes wrong in it stays in it."""

    def __init__(self, call: Call, response: Any) -> None:
        self.call: Call | None = call
        self.is_reading = False
        self.untold = EVENTS_OF_A_BEGINNING if call.around is not None else 0
        # A forked child has a copy of the stream, which is not its to tell of.
        self._pid = os.getpid()
        self._changed = [weakref.ref(response)]
        _watch_closing(response, self)
        _remember(self)

    def changes(self, owner: Any) -> None:
        """What an object got in place of its methods is taken away again at the end."""
        self._changed.append(weakref.ref(owner))

    def add(self, one: Any) -> None:
        """Keep what just came. Never raises."""
        raise NotImplementedError

    def tell(self, first: Sequence[str]) -> None:
        """Tell the span around the call of its id, if these first events have it. Called while there is something `untold`."""
        self.untold -= 1
        with suppress(Exception):  # what is odd in them is met again when all is read
            if self.call is None or self.call.tell_early(first):
                self.untold = 0

    @property
    def is_told_done(self) -> bool:
        """Whether the provider said that nothing more comes. Nobody reads on then, and nothing was abandoned."""
        return False

    def gathered(self, *, is_abandoned: bool) -> tuple[Any, int]:
        """Return the output as `calls.Call.hand_over` takes it, and about how many bytes it keeps."""
        raise NotImplementedError

    def end(self, *, is_abandoned: bool) -> None:
        """Hand over what came, once. An answer that is complete is not abandoned, though nobody reads on."""
        call = self.release()
        if call is None or self._pid != os.getpid():
            return
        try:
            is_abandoned = is_abandoned and not (call.is_litellms and self.is_told_done)
            output, size = self.gathered(is_abandoned=is_abandoned)
            call.hand_over(output, size, is_abandoned=is_abandoned)
        except Exception:  # noqa: BLE001 - an application never fails over its tagging
            lose()

    def release(self) -> Call | None:
        """Listen no more, and leave what was changed as it was. Return the call, if it has not ended."""
        call, self.call = self.call, None
        for changed in self._changed if call is not None else ():
            found = changed()
            for name in _CHANGED if found is not None else ():
                vars(found).pop(name, None)
        return call

    def __del__(self) -> None:
        with suppress(Exception):  # the interpreter is ending, and modules are gone
            self.end(is_abandoned=True)


def listened(inner: Iterator[Any], listener: Listener) -> Iterator[Any]:
    """Yield what `inner` does, after the listener has seen it."""
    add = listener.add
    is_abandoned = True
    try:
        listener.is_reading = True
        for one in inner:
            listener.is_reading = False
            add(one)
            yield one
            listener.is_reading = True
        is_abandoned = False
    finally:
        listener.is_reading = False
        listener.end(is_abandoned=is_abandoned)


class AsyncListened(AsyncIterator[Any]):
    """`listened` for an asynchronous iterator. No generator: those end when an event loop finds the time for it."""

    __slots__ = ("_inner", "_listener")

    def __init__(self, inner: Any, listener: Listener) -> None:
        self._inner = inner
        self._listener = listener

    async def __anext__(self) -> Any:
        listener = self._listener
        listener.is_reading = True
        try:
            one = await self._inner.__anext__()
        except BaseException as error:
            listener.is_reading = False
            listener.end(is_abandoned=not isinstance(error, StopAsyncIteration))
            raise
        listener.is_reading = False
        listener.add(one)
        return one

    async def aclose(self) -> None:
        self._listener.end(is_abandoned=True)
        await self._inner.aclose()


class Instead(functools.partial[Any]):
    """A function in place of an object's method, which is its first argument.

    Whoever pickles the object, or copies it deeply, pickles the method that stood there: what worked without us works.
    """

    def __reduce__(self) -> Any:
        return self.args[0].__reduce__()


def _watch_closing(response: Any, listener: Listener) -> None:
    """Tell the listener when the application closes the response; reading to the end closes it, too."""
    # Until it ends, the response refers to itself. A weak reference would not do: the garbage collector clears those
    # first, and then lets a dropped stream close its response.
    closing, closing_async = response.close, response.aclose
    vars(response).update(close=Instead(_close, closing, listener), aclose=Instead(_aclose, closing_async, listener))


def _close(closing: Any, listener: Listener) -> Any:
    if not listener.is_reading:
        listener.end(is_abandoned=True)
    return closing()


async def _aclose(closing: Any, listener: Listener) -> Any:
    if not listener.is_reading:
        listener.end(is_abandoned=True)
    return await closing()


def _remember(listener: Listener) -> None:
    """A stream that is still open when the interpreter ends is abandoned: nobody would collect it then."""
    global _is_remembering  # noqa: PLW0603 - one per process
    _open.add(listener)
    if not _is_remembering:
        _is_remembering = True
        current.before_the_end(_end_all)


def _end_all() -> None:
    for listener in list(_open):
        listener.end(is_abandoned=True)


def lose() -> None:
    """Count a generation that could not be handed over."""
    with suppress(Exception):  # nobody is left to be told
        current.count_lost("bad_input")
