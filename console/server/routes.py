"""Every way in, in the order of the documentation: to add one, write its module in `ways` and name it here."""

from console.server.ways import Way, feedback, generations, litellm, traces

WAYS: tuple[Way, ...] = (generations.WAY, feedback.WAY, litellm.WAY, traces.WAY)
