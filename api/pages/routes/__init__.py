"""The routes of the pages, one module for each part of the navigation."""

from __future__ import annotations

from api.pages.routes import (
    access_log,
    audit,
    audit_lists,
    audits,
    oidc,
    operations,
    patients,
    report_list,
    reports,
    reviews,
    samples,
    signing_in,
    start,
    static,
    trying,
)

_MODULES = (
    start,
    signing_in,
    oidc,
    trying,
    report_list,
    reports,
    audits,
    audit,
    audit_lists,
    patients,
    samples,
    reviews,
    operations,
    access_log,
    static,
)
ROUTERS = tuple(module.router for module in _MODULES)
