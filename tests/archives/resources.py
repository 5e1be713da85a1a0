"""FHIR resources written by hand for the tests; no person in them exists."""

from __future__ import annotations

import base64
from typing import Any

Resource = dict[str, Any]


def attachment(text: str | bytes, kind: str = "text/plain") -> Resource:
    """Return an attachment as it stands in ``presentedForm``."""
    data = text.encode() if isinstance(text, str) else text
    return {"contentType": kind, "data": base64.b64encode(data).decode()}


def report(**elements: Any) -> Resource:
    """Return a DiagnosticReport of a hip MRI with the elements replaced; ``None`` leaves one out."""
    resource: Resource = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "identifier": [
            {
                "type": {"coding": [{"code": "ACSN"}]},
                "system": "urn:northgate:accession",
                "value": "ACC77",
            }
        ],
        "status": "final",
        "category": [{"coding": [{"code": "RAD"}, {"code": "NMR", "display": "NMR"}]}],
        "code": {"coding": [{"code": "24748-6", "display": "MR Hip"}], "text": "MRI HIP LEFT"},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2021-03-04T09:10:00+01:00",
        "issued": "2021-03-05T10:15:00+01:00",
        "presentedForm": [attachment("FINDINGS: Marrow oedema.\r\nIMPRESSION: ITOH.")],
    }
    merged = {**resource, **elements}
    return {name: value for name, value in merged.items() if value is not None}


PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {"system": "urn:national", "value": "99"},
        {
            "type": {"coding": [{"code": "MR"}]},
            "assigner": {"display": "NORTHGATE"},
            "value": "55012",
        },
    ],
    "birthDate": "1974-03-12",
    "gender": "female",
}


def bundle(*resources: Resource) -> Resource:
    """Return a Bundle whose entries have addresses of a server."""
    entries = [
        {
            "fullUrl": f"https://fhir.example/{one.get('resourceType')}/{one.get('id')}",
            "resource": one,
        }
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}
