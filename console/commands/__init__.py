"""One module per command; each offers `register(app)` and imports what is heavy inside its functions only.

A command is added by writing its module and naming it here: this is also the order in which `--help` shows them.
"""

NAMES = (
    "demo",
    "up",
    "worker",
    "beat",
    "migrate",
    "import_",
    "generations",
    "tags",
    "why",
    "queue",
    "set_aside",
    "sql",
    "doctor",
    "erase",
    "taxonomy",
    "classifier",
    "apply",
    "workspace",
    "member",
    "key",
)
