"""The ``marrow`` command: parses, calls, prints."""
