"""The OpenAPI description: what FastAPI generates, with our bodies and our problems in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.audit_queries import SOURCE
from api.fhir_problems import is_fhir_path
from api.operation_views import REQUEUE
from api.problems import MEDIA_TYPE, Code
from api.review_schemas import DECISION, SAMPLE
from api.schemas import EXTRACT, SUBMISSION
from standards.fhir import MEDIA_TYPE as FHIR_TYPE

TITLE = "Marrow"
DESCRIPTION = """\
Structured findings from free-text radiology reports: marrow oedema, osteopenia and effusion, and
probable cases of idiopathic transient osteoporosis of the hip, with the evidence for each.

**Marrow is a tool for search and audit, not a diagnosis.** It says what a report says, not what a
patient has; nothing it returns may be used to treat anyone.

Spans are half-open character offsets into the text exactly as it was posted:
`text[start:end] == quote`. Offsets count Unicode code points (as Python does), not UTF-16 units.

Errors are problems as of RFC 9457. They never repeat a value of the request.
"""
_COMPONENTS = "#/components/schemas/{model}"


def json_request(schema: str, *, also: Sequence[str] = ()) -> dict[str, Any]:
    """Return the ``openapi_extra`` of a route whose JSON body is read by :class:`JsonBody`.

    ``also`` are media types that the route takes beside JSON.
    """
    reference = {"$ref": _COMPONENTS.format(model=schema)}
    content: dict[str, Any] = {"application/json": {"schema": reference}}
    for media_type in also:
        text = {"type": "string"}
        content[media_type] = {
            "schema": text if media_type.startswith("text/") else text | {"format": "binary"}
        }
    return {"requestBody": {"required": True, "content": content}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of ``app``; built once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
        )
        schemas = document["components"]["schemas"]
        for generated in ("HTTPValidationError", "ValidationError"):
            schemas.pop(generated, None)
        _add_request(schemas, "Submission", SUBMISSION.json_schema(ref_template=_COMPONENTS))
        _add_request(schemas, "ExtractIn", EXTRACT.json_schema(ref_template=_COMPONENTS))
        _add_request(schemas, "AuditSource", SOURCE.json_schema(ref_template=_COMPONENTS))
        _add_request(schemas, "SampleIn", SAMPLE.json_schema(ref_template=_COMPONENTS))
        _add_request(schemas, "RequeueBody", REQUEUE.json_schema(ref_template=_COMPONENTS))
        _add_request(schemas, "DecisionIn", DECISION.json_schema(ref_template=_COMPONENTS))
        schemas["Problem"] = _problem_schema()
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _add_problems(operation, in_fhir=is_fhir_path(path))
        app.openapi_schema = document
    return app.openapi_schema


def _add_request(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema


def _add_problems(operation: dict[str, Any], *, in_fhir: bool) -> None:
    operation["responses"].pop("422", None)
    if in_fhir:
        operation["responses"]["default"] = {
            "description": "An OperationOutcome",
            "content": {FHIR_TYPE: {"schema": {"type": "object"}}},
        }
        return
    operation["responses"]["default"] = {
        "description": "A problem",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _COMPONENTS.format(model="Problem")}}},
    }


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    error = {
        "type": "object",
        "required": ["code", "detail"],
        "properties": {"pointer": text, "parameter": text, "code": text, "detail": text},
    }
    members = {
        "type": text,
        "title": text,
        "status": {"type": "integer"},
        "detail": text,
        "instance": text | {"description": "Names the request; search our log for it."},
        "code": {"type": "string", "enum": [code.value for code in Code]},
        "errors": {"type": "array", "items": error},
    }
    return {"type": "object", "required": list(members), "properties": members}
