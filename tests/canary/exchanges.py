"""Every request of the canary and its answer, by the route that it went to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.problem_codes import problem_code

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    route: str
    """The route's template, as the OpenAPI description has it."""
    answer: httpx.Response

    @property
    def operation(self) -> tuple[str, str]:
        """Method and route."""
        return self.method, self.route

    @property
    def is_success(self) -> bool:
        """Whether the request was served; a page sends on to another."""
        return self.answer.is_success or self.answer.is_redirect

    @property
    def code(self) -> str | None:
        """The problem's code, which an answer without a body does not tell."""
        return problem_code(self.answer)

    @property
    def headers(self) -> bytes:
        """All headers of the answer."""
        return b"\n".join(b": ".join(pair) for pair in self.answer.headers.raw)


@dataclass
class Recorder:
    """A client that remembers."""

    url: str
    token: str
    exchanges: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the connection."""
        self._http = httpx.Client(base_url=self.url, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def ask(
        self,
        method: str,
        route: str,
        *,
        path: str | None = None,
        with_key: bool = True,
        headers: dict[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """Send a request to a route, whose parameters ``path`` has filled in."""
        sent = {"Authorization": f"Bearer {self.token}"} if with_key else {}
        answer = self._http.request(
            method, path or route, headers=sent | (headers or {}), **request
        )
        self.exchanges.append(Exchange(method, route, answer))
        return answer

    def served(self) -> set[tuple[str, str]]:
        """Return the operations that answered a request with success."""
        return {one.operation for one in self.exchanges if one.is_success}

    def refused(self) -> dict[tuple[str, str], set[str]]:
        """Return for each operation the codes of its problems."""
        codes: dict[tuple[str, str], set[str]] = {}
        for one in self.exchanges:
            if one.code is not None:
                codes.setdefault(one.operation, set()).add(one.code)
        return codes
