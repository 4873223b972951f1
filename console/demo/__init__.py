"""The demo: sixty-six conversations written for it go through the whole line, and the tags are held against hand-given ones."""
