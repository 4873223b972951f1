"""OpenAI's batches: the output file's answers, joined with the input file's requests by `custom_id`, in any order of files."""

from collections.abc import Iterator, Mapping
from typing import Any

from worker.importing.beside import Beside, SeveralError
from worker.importing.formats.format import Document, Format, LeftOut, Unusable
from worker.importing.formats.reading import mapping

REQUEST = "batch request"
"""What is kept of an input file, by custom_id."""

_GENERATIONS = ("chat.completion", "response", "text_completion")


def _recognises(document: Mapping[str, Any]) -> bool:
    return _is_request(document) or _is_answer(document)


def _is_request(document: Mapping[str, Any]) -> bool:
    return "custom_id" in document and isinstance(document.get("body"), Mapping) and "url" in document


def _is_answer(document: Mapping[str, Any]) -> bool:
    return "custom_id" in document and "response" in document and "body" not in document


def _keep(document: Any, beside: Beside, source: str) -> bool:
    if not isinstance(document, Mapping) or not _is_request(document):
        return False
    beside.keep(REQUEST, str(document["custom_id"]), document["body"], source=source)
    return True


def _read(document: Any, beside: Beside) -> Iterator[Document | LeftOut | Unusable]:
    if not isinstance(document, Mapping) or not _recognises(document):
        yield Unusable("is neither a request nor an answer of a batch")
    elif _is_request(document):
        yield LeftOut("batch request (read for its answer)")
    else:
        yield _answer(document, beside)


def _answer(document: Mapping[str, Any], beside: Beside) -> Document | LeftOut | Unusable:
    response = mapping(document.get("response"))
    body = mapping(response.get("body"))
    failed = _failure(document, response)
    if failed is not None:
        return LeftOut(f"failed request ({failed})")
    if body.get("object") not in _GENERATIONS:
        return LeftOut("answer that is no generation")
    try:
        request = beside.look_up(REQUEST, str(document["custom_id"]))
    except SeveralError:
        return Unusable(
            "has a custom_id that several of the input files use; import each batch with its own input file"
        )
    if request is None and beside.has(REQUEST):
        return Unusable("has a custom_id that no input file has; give the input file of this batch, too")
    return _generation(document, body, mapping(request))


def _failure(document: Mapping[str, Any], response: Mapping[str, Any]) -> str | None:
    error = mapping(document.get("error"))
    if error:
        code = error.get("code")
        return code[:40] if isinstance(code, str) and code.replace("_", "").isalnum() else "error"
    status = response.get("status_code")
    return None if status in (200, "200") else f"HTTP {status}" if type(status) is int else "no answer"


def _generation(document: Mapping[str, Any], body: Mapping[str, Any], request: Mapping[str, Any]) -> Document:
    prompt = request.get("prompt")
    return {
        "id": body.get("id") or document.get("id"),
        "created_at": body.get("created") or body.get("created_at"),
        "messages": (dict(request) or None) if prompt is None else prompt,
        "output": body,
        "tools": request.get("tools"),
        "model": body.get("model") or request.get("model"),
        "provider": "openai",
        "user": request.get("user"),
        "metadata": {
            **mapping(request.get("metadata")),
            "custom_id": document.get("custom_id"),
            "batch_request_id": document.get("id"),
        },
    }


FORMAT = Format(
    name="openai-batch",
    title="a file of an OpenAI batch",
    recognises=_recognises,
    read=_read,
    keep=_keep,
)
