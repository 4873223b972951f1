"""Tags on their way to Langfuse, as categorical scores of the traces and observations they belong to.

`settings` says where Langfuse is, `scores` turns tags into scores, `client` hands them over, `pushing` does it for a whole
workspace and remembers how far it got.
"""
