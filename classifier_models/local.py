"""The built-in model: no network, no key. It compares words and letters, and understands nothing; its name says so.

It learns from the taxonomy alone: the names, descriptions and examples of the values. TF-IDF over words and over
pieces of words (these carry it across inflections and into languages without spaces), complement naive Bayes on top.
Over our presets' examples, each fifth held out in turn, that places 0.55 rightly, a linear SVM 0.49 and logistic
regression 0.44; on labelled files see `python -m tests.benchmarks local`.
"""

import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from classifier_models.errors import LocalModelUnavailableError
from classifier_models.local_reading import words_of_people
from classifier_models.question import Question
from classifier_models.reply import Answered, Case, Reply, Tags, Unanswered, Usage
from taxonomies.taxonomy import NONE_OF_THESE, Dimension, Taxonomy, Value

MODEL = "local-lexical"
# Cosine with the nearest description or example: below it a text has next to nothing in common with a value.
NONE_BELOW = 0.04
# Of several values every one that is nearly as near as the nearest.
SEVERAL_WITHIN = 0.75
SEVERAL_FROM = 0.08

FREE = Usage(cost_usd=Decimal(0), cost_source="reported")

_fitting = threading.Lock()


def ask(question: Question) -> Reply:
    """Return the reply of the local model; blocks for some milliseconds, and longer on a taxonomy's first question."""
    began = time.perf_counter()
    try:
        tags = classify(question.taxonomy, question.transcript)
    except LocalModelUnavailableError as error:
        return Unanswered(case=Case.BAD_REQUEST, model=MODEL, detail=str(error))
    return Answered(tags=tags, usage=FREE, model=MODEL, latency_ms=round((time.perf_counter() - began) * 1000))


def classify(taxonomy: Taxonomy, transcript: str) -> Tags:
    """Return a value for every dimension, the same for the same input always.

    Raise LocalModelUnavailableError when scikit-learn is not installed.
    """
    with _fitting:  # beside a fit there is nothing to gain from a second thread
        fitted = _fit(taxonomy)
    return fitted.place(words_of_people(transcript))


@lru_cache(maxsize=64)
def _fit(taxonomy: Taxonomy) -> "_Fitted":
    return _Fitted(taxonomy)


class _Fitted:
    """One taxonomy's vocabulary, and per dimension what its values look like in it."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._vocabulary = _vocabulary()
        self._vocabulary.fit([text for dimension in taxonomy.dimensions for text in _texts(dimension)[0]])
        self._dimensions = [_FittedDimension(dimension, self._vocabulary) for dimension in taxonomy.dimensions]

    def place(self, text: str) -> Tags:
        vector = self._vocabulary.transform([text])
        return {fitted.name: fitted.place(vector) for fitted in self._dimensions}


class _FittedDimension:
    def __init__(self, dimension: Dimension, vocabulary: Any) -> None:
        self.name = dimension.name
        self._several = dimension.several
        self._none_of_these = dimension.none_of_these
        self._values = [value.name for value in dimension.values]
        texts, self._value_of_text = _texts(dimension)
        self._vectors = vocabulary.transform(texts)
        self._chooser = _chooser(self._vectors, self._value_of_text) if len(self._values) > 1 else None

    def place(self, vector: Any) -> str | list[str]:
        nearness = self._nearness(vector)
        if self._several:
            nearest = max(nearness)
            chosen = [
                name
                for name, near in zip(self._values, nearness, strict=True)
                if near >= max(SEVERAL_FROM, nearest * SEVERAL_WITHIN)
            ]
            return chosen or ([NONE_OF_THESE] if self._none_of_these else [])
        if self._none_of_these and max(nearness) < NONE_BELOW:
            return NONE_OF_THESE
        return self._values[0] if self._chooser is None else self._values[int(self._chooser.predict(vector)[0])]

    def _nearness(self, vector: Any) -> list[float]:
        """Return each value's cosine with the text, by the nearest of its descriptions and examples."""
        cosines = (self._vectors @ vector.T).toarray()[:, 0] / 2  # two parts of length one each
        nearness = [0.0] * len(self._values)
        for position, cosine in zip(self._value_of_text, cosines, strict=True):
            nearness[position] = max(nearness[position], float(cosine))
        return nearness


def _texts(dimension: Dimension) -> tuple[list[str], list[int]]:
    """Return what describes the values of a dimension, and beside each text the position of its value."""
    texts: list[str] = []
    positions: list[int] = []
    for position, value in enumerate(dimension.values):
        described = _described(value)
        texts += described
        positions += [position] * len(described)
    return texts, positions


def _described(value: Value) -> Sequence[str]:
    name = value.name.replace("_", " ")
    return (f"{name} {value.description}".strip(), *value.examples)


def _vocabulary() -> Any:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import FeatureUnion
    except ImportError:
        raise LocalModelUnavailableError from None
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")  # noqa: S106
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    return FeatureUnion([("words", words), ("pieces", pieces)])


def _chooser(vectors: Any, values: list[int]) -> Any:
    from sklearn.naive_bayes import ComplementNB

    return ComplementNB(alpha=0.1).fit(vectors, values)
