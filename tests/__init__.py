"""A package, so that ours is found before the `tests` that medspacy_quickumls installs."""
