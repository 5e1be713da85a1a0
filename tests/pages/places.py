"""Every page that the service has, and states of pages: what is looked at and photographed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.pages.served import Served


def places(served: Served) -> dict[str, str]:
    """Return paths by names that say what is seen; a new page is added here."""
    return {
        "start": "/",
        "reports": "/reports",
        "reports of one level": "/reports?level=stated",
        "no report": "/reports?finding=tumour&level=stated&site=calcaneus",
        "one report": f"/reports/{served.stated}",
        "try": "/try",
        "sessions": "/sessions",
        "sign in": "/sign-in",
        "no such page": "/reports/none",
        "audits": "/audits",
        "no audit": "/audits?state=failed",
        "what is in an archive": f"/audits/new?upload={served.upload}",
        "what is not in an archive": f"/audits/new?upload={served.upload}&map=text%3Dnone",
        "audit": f"/audits/{served.audit}",
        "cases": f"/audits/{served.audit}/cases",
        "no case": f"/audits/{served.audit}/cases?level=possible",
        "case": f"/audits/{served.audit}/cases/1",
        "patients": f"/audits/{served.audit}/patients?course=lowered",
        "patient": served.patient,
        "not read": f"/audits/{served.audit}/failures",
        "operations": "/operations?requeued=3",
        "access log": "/access-log",
        "access log after hours": "/access-log?question=after-hours",
        "samples": served.review.rpartition("/")[0],
        "review": served.review,
        "disagreements": f"{served.review}/disagreements",
        "validation": f"{served.review}/validation",
    }
