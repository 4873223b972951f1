"""A request's body, unpacked and decoded: whatever it holds, the result is a value or a refusal that quotes nothing of it."""

import gzip
import io
import json
import zlib
from contextlib import suppress
from typing import Any, NoReturn

from pydantic_core import from_json

from console.server import errors


def unpacked(body: bytes, encoding: str | None, *, at_most: int) -> bytes:
    """Return the body as it was before its Content-Encoding; what grows over `at_most` is never unpacked whole."""
    match (encoding or "identity").strip().lower():
        case "identity" | "":
            return body
        case "gzip" | "x-gzip":
            return _gunzipped(body, at_most=at_most)
        case _:
            raise errors.UnsupportedError("The content encoding is not read here; send gzip, or no encoding at all.")


def as_json(body: bytes, *, nan_is_null: bool = False) -> Any:
    """Return what the JSON in `body` says: of a key that comes twice the last; NaN and Infinity are no JSON.

    `nan_is_null` reads them all the same, where the sender's own library writes them.
    """
    with suppress(ValueError):  # what the fast parser refuses, the other one reads, or says where it stops
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    try:
        return json.loads(body, parse_constant=_null if nan_is_null else _no_number)
    except RecursionError:
        raise errors.BadRequestError("The JSON is nested too deeply.") from None
    except UnicodeDecodeError:
        raise errors.BadRequestError("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise errors.BadRequestError(
            f"The body is not JSON (line {error.lineno}, column {error.colno})." if body else "The body is empty."
        ) from None
    except ValueError:
        raise errors.BadRequestError("The JSON has a number that is none, or too long.") from None


def _gunzipped(body: bytes, *, at_most: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            whole = packed.read(at_most + 1)
    except (OSError, EOFError, zlib.error):
        raise errors.BadRequestError("The body says that it is gzip, and is not.") from None
    if len(whole) > at_most:
        raise too_large(at_most)
    return whole


def too_large(at_most: int) -> errors.TooLargeError:
    return errors.TooLargeError(f"The body is over {at_most:,} bytes (AFTERTAG_HTTP_BODY_BYTES); send smaller batches.")


def _null(_: str) -> None:
    return None


def _no_number(_: str) -> NoReturn:
    raise ValueError
