"""One module per command; each offers `register(app)` and imports what is heavy inside its functions only.

A command is added by writing its module and naming it here: this is also how `--help` groups and orders them.
"""

SECTIONS: dict[str, tuple[str, ...]] = {
    "Start here": ("demo", "up", "env", "import_"),
    "See": ("generations", "tags", "why", "queue", "sql", "doctor"),
    "Configure": ("taxonomy", "classifier", "apply", "workspace", "member", "key"),
    "Operate": ("migrate", "worker", "beat", "serve", "set_aside", "erase", "langfuse"),
}
