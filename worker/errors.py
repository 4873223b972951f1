"""What can go wrong on the line, as one tree; the message says what to do.

AftertagError
├── SettingsError              a setting from the environment is unusable
├── DatabaseUnreachableError   Postgres does not answer
├── SchemaOutdatedError        the database is behind (or ahead of) this release
├── SchemaBusyError            others hold what a migration has to change
├── NotFoundError              no workspace, classifier, member, key or generation of that name
├── ConflictError              the name, or a dimension, is taken already
├── InvalidRequestError        an argument is outside its limits
├── UnreadableExportError      a file to import is no text, or cannot be read twice
├── UnsureFormatError          a file to import may be several kinds of export, or none
└── ProcessEndedError          a worker or a beat that should run has ended
"""


class AftertagError(Exception):
    """The root of every error that a person is meant to read."""


class SettingsError(AftertagError):
    """A setting is unusable: the message names the variable, its value and what it takes."""


class DatabaseUnreachableError(AftertagError):
    """Postgres does not answer at its address."""


class SchemaOutdatedError(AftertagError):
    """The database's schema is not the one this release was written for."""


class SchemaBusyError(AftertagError):
    """A migration did not get its tables: it gave up, so that nobody queues behind it."""


class NotFoundError(AftertagError):
    """There is nothing of that name here."""


class ConflictError(AftertagError):
    """The name is taken already."""


class InvalidRequestError(AftertagError):
    """An argument is outside its limits."""


class UnreadableExportError(AftertagError):
    """A file to import is no text, or none that can be read twice."""


class UnsureFormatError(AftertagError):
    """Nothing in a file says for certain what kind of export it is."""


class ProcessEndedError(AftertagError):
    """A process of ours that should run has ended by itself."""
