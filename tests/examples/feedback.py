"""What people thought of an answer: -1, 0 and 1, or 0 to 1, and a comment where there is one."""

import api_hooks

api_hooks.feedback("answer-17", score=1, comment="Just right.", user="u-17")
