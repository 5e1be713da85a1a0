"""The case definition, interpreted: atoms hold or do not, the first rule whose condition holds gives the level."""
