"""A report cut into sections, sentences and tokens."""
