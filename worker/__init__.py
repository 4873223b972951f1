"""The line from a recorded generation to its tags."""
