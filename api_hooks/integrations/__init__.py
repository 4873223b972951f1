"""Other people's libraries, each with a module of its own that imports it only when the user asks for it."""
