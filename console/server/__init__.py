"""The HTTP server: generations come in over HTTP with a key, and are recorded in Postgres before the answer."""
