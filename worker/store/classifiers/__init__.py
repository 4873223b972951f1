"""Classifiers: their immutable versions, their states, and which of them stand in a workspace."""

from worker.store.classifiers.changing import Step, activate, create, pause, update, write
from worker.store.classifiers.reading import Classifier, State, Version, find, list_all, versions
from worker.store.classifiers.standing import definition, standings

__all__ = [
    "Classifier",
    "State",
    "Step",
    "Version",
    "activate",
    "create",
    "definition",
    "find",
    "list_all",
    "pause",
    "standings",
    "update",
    "versions",
    "write",
]
