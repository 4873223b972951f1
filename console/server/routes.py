"""Every way in, in the order of the documentation: to add one, write its module in `ways` and name it here."""

<<<<<<< HEAD
from console.server.ways import Way, generations, traces

WAYS: tuple[Way, ...] = (generations.WAY, traces.WAY)
=======
from console.server.ways import Way, feedback, generations

WAYS: tuple[Way, ...] = (generations.WAY, feedback.WAY)
>>>>>>> main
