"""What the dialects that get text back have in common: text of an answer → reply."""

import re
from collections.abc import Mapping
from typing import Any

from classifier_models.question import Question
from classifier_models.reply import Answered, Case, Reply, Unanswered, Usage
from taxonomies.answer import read_answer
from taxonomies.errors import InvalidAnswerError, UnreadableAnswerError

_MODEL_NAME = re.compile(r"[\w./:@+-]{1,200}", re.ASCII)


def reply_to_text(question: Question, text: str | None, usage: Usage | None, model: str, latency_ms: int) -> Reply:
    """Return the tags in `text`, checked against the taxonomy, else which way it is no answer."""
    if text is None:
        detail, case = "the answer has no text", Case.UNREADABLE
    else:
        try:
            tags = read_answer(question.taxonomy, text)
        except UnreadableAnswerError as error:
            detail, case = error.problem, Case.UNREADABLE
        except InvalidAnswerError as error:
            detail, case = error.problem, Case.INVALID_ANSWER
        else:
            return Answered(tags=tags, usage=usage or Usage(), model=model, latency_ms=latency_ms)
    return Unanswered(case=case, usage=usage, model=model, latency_ms=latency_ms, status=200, detail=detail)


def text_of(content: object) -> str | None:
    """Return the text of a message's content, a string or a list of parts; None when it has none."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
    texts = [text for text in parts if isinstance(text, str)]
    return "".join(texts) if texts else None


def reported_model(document: Mapping[str, Any], question: Question) -> str:
    """Return the model that answered, by its own word where that is a name, else the one that was asked."""
    model = document.get("model")
    if isinstance(model, str) and (model == question.model or _MODEL_NAME.fullmatch(model)):
        return model
    return question.model
