"""How a classifier model is asked: one call goes in as a Question to an Endpoint and comes out as a reply."""
