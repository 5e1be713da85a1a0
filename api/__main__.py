"""Print the OpenAPI description: ``python -m api > docs/reference/openapi.json``."""

from __future__ import annotations

import json
import sys

from api.app import make_application
from api.openapi import describe
from api.settings import ApiSettings

if __name__ == "__main__":
    document = describe(make_application(ApiSettings()))
    json.dump(document, sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")
