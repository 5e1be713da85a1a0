"""The pattern files: their shape, their language and how they are loaded."""
