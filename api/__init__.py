"""The HTTP API: routes, schemas, problems, security. Everything it keeps goes through ``storage``."""
