"""Reading: from tokens to mentions."""
