"""The application: settings in, ASGI application out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from api.access_log import AccessLog
from api.access_queries import LOG_PARAMETERS
from api.admission import Admission
from api.audit_queries import PARAMETERS as AUDIT_PARAMETERS
from api.audit_views import AUDITS_PATH, PREVIEW_PATH
from api.body_limit import BodyLimit
from api.cursors import Cursors
from api.edge import Edge
from api.extraction import Extraction
from api.fhir_problems import FHIR_PATH
from api.hosts import KnownHosts, known_names
from api.limits import Limits
from api.listing import PARAMETERS
from api.oidc import Provider
from api.oidc_settings import OidcSettings
from api.openapi import TITLE, describe
from api.pages import problem_page
from api.pages.posted_file import FORM_BYTES
from api.pages.routes import ROUTERS as PAGES
from api.pages.routes import audits as audit_pages
from api.pages.routes import trying
from api.problems import Code, FieldError, Problem
from api.routes import (
    access_log,
    audit_results,
    audits,
    extract,
    fhir,
    fhir_server,
    health,
    operations,
    reports,
    samples,
    uploads,
)
from api.service import Ring, Service
from api.settings import ApiSettings
from api.tus import UPLOADS_PATH, TusVersion
from api.validation import failed, parameter_errors
from api.views import REPORTS_PATH
from extractor import Extractor, __version__
from storage.database import Database
from storage.errors import (
    DatabaseOutdatedError,
    DatabaseUnavailableError,
    InvalidReportError,
    StorageError,
    TextKeyError,
)
from storage.files import open_files
from storage.keys import load_pepper
from storage.settings import StorageSettings

_NO_TELEMETRY: Any = {
    "tracing": False,
    "metrics": False,
    # Would record validation failures and the messages of exceptions: both may hold a report.
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_app(
    settings: ApiSettings,
    storage: StorageSettings,
    *,
    ring: Ring,
    oidc: OidcSettings | None = None,
) -> FastAPI:
    """Return the application. The database must be upgraded by then; ``ring`` tells the workers.

    ``oidc``: where people sign in, from the environment where it is not given.
    Raises PepperError where the secret that keys are hashed with cannot be read.
    """
    app = make_application(settings)
    app.state.service = _make_service(
        settings, storage, ring, OidcSettings() if oidc is None else oidc
    )
    return app


def make_application(settings: ApiSettings) -> FastAPI:
    """Return the application without its service: it can be described, not run."""
    app = FastAPI(
        title=TITLE,
        version=__version__,
        # The pages of documentation load scripts from elsewhere; the description itself is served.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=_NO_TELEMETRY,
        redirect_slashes=False,
        lifespan=_lifespan,
        middleware=[
            Middleware(TusVersion),
            Middleware(Edge),
            Middleware(KnownHosts, names=known_names(settings.allowed_hosts, settings.host)),
            Middleware(
                BodyLimit,
                default=settings.max_body_bytes,
                by_path={
                    REPORTS_PATH: settings.max_submission_bytes,
                    FHIR_PATH: settings.max_submission_bytes,
                    f"{FHIR_PATH}/DiagnosticReport": settings.max_submission_bytes,
                    AUDITS_PATH: settings.max_archive_bytes,
                    PREVIEW_PATH: settings.max_archive_bytes,
                    UPLOADS_PATH + "/": settings.max_archive_bytes,
                    "/v1/extract": settings.max_report_bytes,
                    trying.PATH: settings.max_report_bytes,
                    audit_pages.UPLOADS_PATH: settings.max_archive_bytes + FORM_BYTES,
                },
            ),
        ],
        exception_handlers=_HANDLERS,
    )
    for routes in (
        reports,
        fhir,
        fhir_server,
        extract,
        uploads,
        audits,
        audit_results,
        samples,
        access_log,
        operations,
        health,
    ):
        app.include_router(routes.router)
    for pages in PAGES:
        app.include_router(pages)
    app.add_api_route("/openapi.json", _openapi_document, include_in_schema=False)
    app.openapi = partial(describe, app)  # type: ignore[method-assign]  # as FastAPI documents
    return app


def _make_service(
    settings: ApiSettings, storage: StorageSettings, ring: Ring, oidc: OidcSettings
) -> Service:
    storage.make_data_dir()
    # A pepper that an operator names has to be there; the default one is made.
    pepper = load_pepper(storage.pepper_path, create=storage.key_pepper_file is None)
    database = Database.open(storage)
    return Service(
        settings=settings,
        database=database,
        pepper=pepper,
        cursors=Cursors(pepper),
        extraction=Extraction(
            partial(Extractor.load, settings.patterns),
            timeout_s=settings.extract_timeout_s,
            queue=settings.extract_queue,
        ),
        ring=ring,
        admission=Admission(most_open=settings.max_open_units),
        files=open_files(storage),
        access_log=AccessLog(database),
        limits=Limits.of(settings),
        oidc=None if oidc.issuer is None else Provider(oidc, pepper),
        source_roots=storage.source_roots,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.extraction.start()
    service.access_log.start()
    try:
        yield
    finally:
        service.extraction.stop()
        service.access_log.stop()
        service.database.dispose()


async def _openapi_document(request: Request) -> Response:
    return JSONResponse(request.app.openapi())


def _answer(request: Request, problem: Problem) -> Response:
    request.state.problem_code = problem.code.value
    return problem_page.answer(request.scope, problem, request.state.request_id)


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - what it is registered for
    return _answer(request, error)


def _on_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    return _answer(request, failed(parameter_errors(error.errors(), _PARAMETERS)))


def _on_http(request: Request, error: Exception) -> Response:
    """Answer what Starlette and FastAPI raise themselves; their sentences are not passed on."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    code, detail = _HTTP_CODES.get(error.status_code, _OTHER_HTTP)
    return _answer(request, Problem(code, detail, headers=error.headers))


def _on_storage(request: Request, error: Exception) -> Response:
    if isinstance(error, InvalidReportError):
        fault = FieldError(code="INVALID", detail="cannot be stored", pointer=_pointer(error.field))
        return _answer(request, failed([fault]))
    if isinstance(error, DatabaseUnavailableError):
        detail = "Nothing was stored; try again in a moment."
        problem = Problem(Code.STORAGE_UNAVAILABLE, detail, headers={"Retry-After": "5"})
        return _answer(request, problem)
    if isinstance(error, DatabaseOutdatedError):
        return _answer(request, Problem(Code.NOT_READY, "The database has to be upgraded."))
    if isinstance(error, TextKeyError):
        return _answer(request, Problem(Code.NOT_READY, "The keys of the texts are not there."))
    raise error


def _pointer(field: str) -> str:
    return "/" + field.replace(".", "/")


_PARAMETERS = PARAMETERS | AUDIT_PARAMETERS | LOG_PARAMETERS
_HTTP_CODES = {
    404: (Code.ROUTE_NOT_FOUND, "See /openapi.json for what there is."),
    405: (Code.METHOD_NOT_ALLOWED, "The header `Allow` lists the methods of this address."),
    400: (Code.BAD_REQUEST, "The request is not well formed."),
}
_OTHER_HTTP = (Code.BAD_REQUEST, "The request cannot be served.")
_HANDLERS: dict[int | type[Exception], Callable[[Request, Exception], Any]] = {
    Problem: _on_problem,
    RequestValidationError: _on_parameters,
    HTTPException: _on_http,
    StorageError: _on_storage,
}
