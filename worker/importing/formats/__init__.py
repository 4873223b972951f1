"""The kinds of exports that can be imported, the more particular first: only what none of them takes may be plain."""

from worker.importing.formats import langfuse, litellm, openai_batch, plain
from worker.importing.formats.format import Document, Format, LeftOut, Unusable

FORMATS: tuple[Format, ...] = (langfuse.FORMAT, litellm.FORMAT, openai_batch.FORMAT, plain.FORMAT)
BY_NAME = {each.name: each for each in FORMATS}

__all__ = ["BY_NAME", "FORMATS", "Document", "Format", "LeftOut", "Unusable"]
