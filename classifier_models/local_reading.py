"""What the local model reads of a transcript: what people wrote, as far as there is any."""

import re

READ_CHARACTERS = 6_000
_LABEL = re.compile(r"^(SYSTEM|TOOLS|USER|ASSISTANT|TOOL_CALL|TOOL_RESULT)(?: [^\n:]{0,200})?: ?", re.MULTILINE)


def words_of_people(transcript: str) -> str:
    """Return the text of the USER turns, without them all of the text; long text keeps its beginning and its end."""
    parts = _LABEL.split(transcript)
    turns = list(zip(parts[1::2], parts[2::2], strict=True))
    of_users = "\n".join(text for label, text in turns if label == "USER").strip()
    text = of_users or "\n".join(text for _, text in turns).strip() or transcript
    if len(text) <= READ_CHARACTERS:
        return text
    half = READ_CHARACTERS // 2
    return f"{text[:half]}\n{text[-half:]}"
