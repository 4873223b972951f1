"""The constants of the wire contract, which the hook and the worker both keep."""

VERSION = 1
RECORD_TASK = "aftertag.record"
RECORD_QUEUE = "record"

KINDS = ("system", "user", "assistant", "tool_call", "tool_result")

TURN_CHARACTERS = 5_000
"""What a classifier reads of a turn. The wire carries one character more, so that the worker sees it was longer."""

GENERATION_BYTES = 1_000_000
"""The most that a generation's turns take up as JSON in UTF-8; beyond it turns are left out of the middle."""

BATCH_BYTES = 512 * 1024
"""A batch that has reached this is sent; only a generation that is larger by itself makes a larger one."""

TURNS_AT_MOST = 20_000
TOOLS_AT_MOST = 2_000
METADATA_AT_MOST = 64
ID_CHARACTERS = 200
SHORT_CHARACTERS = 512
"""The most of a model's, user's, tool's or application's name, and of a key or value of the metadata."""

COMMENT_CHARACTERS = 5_000
SCORE_AT_MOST = 1_000_000
"""A feedback's comment, and its score on either side of 0. Usual scores are -1, 0 and 1, or from 0 to 1."""

LOSS_REASONS = frozenset(
    {
        "bad_input",
        "broker_full",
        "buffer_full",
        "closed",
        "no_generation",
        "no_thread",
        "not_configured",
        "not_retrieved",
        "refused",
        "rejected",
        "text_withheld",
        "too_large",
    }
)
"""What a hook may say in `dropped`; `api_hooks.losses` says what each means."""

NOT_CAPTURED = "not captured by the sender"
"""In the metadata, under `text`, of a generation whose instrument leaves all text out."""

UNREADABLE = "[unreadable]"
WITHHELD = "[withheld]"
"""In place of a text that a sender's own function could not redact."""

OWN_CALL_MARK = "[0-9A-Za-z]{1,64}"
"""What the mark of an installation looks like in its classifiers' own calls, a regular expression."""

OWN_CALL_UNSIGNED = "unsigned"
"""In place of a mark, where a call only says that it is a classifier's own."""

OWN_CALL_HEADER = "x-aftertag-own-call"
"""The header of the classifiers' own calls, in lower case, as gateways report it."""

OWN_CALL_AGENT = "aftertag-own-call"
"""What their `User-Agent` begins with."""

OWN_CALL_KEY = "aftertag_own_call"
"""Under which they say it in a body's field for the gateway's records, where the gateway is known to take one."""


class UnusableError(ValueError):
    """A generation, or feedback, that no worker could record; the message names the field and quotes no text of it."""
