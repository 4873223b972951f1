"""Other people's libraries: one module for each, which imports it, and which nobody imports who does not use it."""
