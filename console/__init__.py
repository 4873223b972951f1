"""What a person touches: the command line; HTTP API and web pages come later."""
