"""The web pages: rendered here, the same data as ``/v1``, and nothing that needs JavaScript."""
