"""Signing in through OpenID Connect: authorization code with PKCE, state and nonce, by Authlib.

What belongs to one sign-in (state, nonce, the verifier of PKCE, where to go then) lies in a signed
cookie of the browser that began it: the answer of the provider is worth nothing in another one.
Sign-ins are rare, so the provider's keys are asked for at each, and are never old.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from itsdangerous import BadData, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from api.problems import Code, Problem
from api.roles import SCOPES, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.oidc_settings import OidcSettings

WITHIN_S = 600
"""How long somebody may take at the provider."""
_TIMEOUT_S = 10
_DISCOVERED_S = 3_600
_LEEWAY_S = 60
"""How far the clocks of two machines may be apart."""
_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"})  # fmt: skip
"""Signatures with a key that only the provider has."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_MOST_NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that is under way."""

    url: str
    """Where the browser goes now."""
    kept: str
    """What the browser keeps until it comes back."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the provider knows, and who has a role here."""

    caller: str
    name: str
    roles: frozenset[Role]
    next_path: str

    @property
    def scopes(self) -> frozenset[str]:
        """What the roles may do, together."""
        return frozenset(scope.value for role in self.roles for scope in SCOPES[role])


class Provider:
    """One provider, as it is set."""

    def __init__(self, settings: OidcSettings, secret: bytes) -> None:
        """``secret``: the same in every process of an installation. There has to be an issuer."""
        self._settings = settings
        key = hmac.new(secret, b"marrow sign-in", hashlib.sha256).digest()
        self._signer = URLSafeTimedSerializer(
            key, salt="v1", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._found: tuple[float, Mapping[str, Any]] | None = None

    def begin(self, redirect_uri: str, next_path: str) -> Begun:
        """Begin a sign-in. Raises Problem where the provider does not answer."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._session(redirect_uri) as session:
            endpoint = self._metadata(session)["authorization_endpoint"]
            url, _ = session.create_authorization_url(
                endpoint, state=state, nonce=nonce, code_verifier=verifier
            )
        return Begun(url, str(self._signer.dumps([state, nonce, verifier, next_path])))

    def finish(self, redirect_uri: str, kept: str | None, answer: Mapping[str, str]) -> Person:
        """Return who came back from the provider. Raises Problem."""
        state, nonce, verifier, next_path = self._kept(kept)
        if not hmac.compare_digest(state.encode(), answer.get("state", "").encode()):
            raise _failed("The answer belongs to another sign-in; begin anew.")
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:
            raise _failed("The answer is of another provider.")
        if "error" in answer or not answer.get("code"):
            raise _failed("The provider did not let you in.")
        with self._session(redirect_uri) as session:
            try:
                claims = self._claims(session, answer["code"], nonce=nonce, verifier=verifier)
            except requests.RequestException:
                raise _unreachable() from None
            except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError):
                # Their messages may quote tokens.
                raise _failed("What the provider says of you cannot be proved.") from None
        return self._person(claims, next_path)

    def _kept(self, kept: str | None) -> tuple[str, str, str, str]:
        try:
            state, nonce, verifier, next_path = self._signer.loads(kept or "", max_age=WITHIN_S)
        except (BadData, ValueError, TypeError):
            raise _failed("The sign-in took too long, or began elsewhere; begin anew.") from None
        return state, nonce, verifier, next_path

    def _session(self, redirect_uri: str) -> Any:
        return OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret,
            token_endpoint_auth_method=(
                "client_secret_basic" if self._settings.client_secret else "none"
            ),
            scope=self._settings.scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    def _metadata(self, session: Any) -> Mapping[str, Any]:
        """Return what the provider says of itself; asked for once an hour. Raises Problem."""
        if self._found is not None and time.monotonic() - self._found[0] < _DISCOVERED_S:
            return self._found[1]
        issuer = str(self._settings.issuer)
        try:
            found: dict[str, Any] = _get(
                session, issuer.rstrip("/") + "/.well-known/openid-configuration"
            )
        except (requests.RequestException, ValueError):
            raise _unreachable() from None
        if found.get("issuer") != issuer:
            raise _failed("The provider calls itself otherwise than MARROW_OIDC_ISSUER.")
        self._found = (time.monotonic(), found)
        return found

    def _claims(self, session: Any, code: str, *, nonce: str, verifier: str) -> Mapping[str, Any]:
        """Exchange the code and return the claims of the token, proved."""
        metadata = self._metadata(session)
        token = session.fetch_token(
            metadata["token_endpoint"],
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            timeout=_TIMEOUT_S,
        )
        keys = KeySet.import_key_set(_get(session, metadata["jwks_uri"]))
        told = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(
            algorithms=sorted(_ALGORITHMS.intersection(told)), strict_check_header=False
        )
        decoded = jwt.decode(token["id_token"], key=keys, registry=registry)
        client_id = self._settings.client_id
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": client_id},
            },
            {"nonce": nonce, "client_id": client_id, "access_token": token["access_token"]},
        )
        claims.validate(leeway=_LEEWAY_S)
        found: dict[str, Any] = dict(claims)
        wanted = {self._settings.roles_claim, self._settings.name_claim}
        if not wanted <= found.keys() and "userinfo_endpoint" in metadata:
            found = _more(session, metadata["userinfo_endpoint"], of=found["sub"]) | found
        return found

    def _person(self, claims: Mapping[str, Any], next_path: str) -> Person:
        settings = self._settings
        told = claims.get(settings.roles_claim, [])
        groups = {told} if isinstance(told, str) else set(map(str, told))
        roles = frozenset(role for group, role in settings.roles.items() if group in groups)
        caller = _label(str(claims.get(settings.caller_claim, "")), str(claims["sub"]))
        if not roles:
            raise NoRoleError(caller)
        name = str(claims.get(settings.name_claim) or caller.removeprefix("oidc:"))
        return Person(caller, name[:_MOST_NAME_CHARS], roles, next_path)


class NoRoleError(Problem):
    """Somebody whom the provider knows has no role here."""

    def __init__(self, caller: str) -> None:
        super().__init__(
            Code.NO_ROLE,
            "You are known, but none of your groups may do anything here. Ask whoever runs the "
            "service to name one of them in MARROW_OIDC_ROLES.",
        )
        self.caller = caller


def _get(session: Any, url: str) -> Any:
    """Return JSON that anybody may read."""
    answer = session.get(url, withhold_token=True, timeout=_TIMEOUT_S)
    answer.raise_for_status()
    return answer.json()


def _more(session: Any, endpoint: str, *, of: str) -> dict[str, Any]:
    """Return what the provider tells beside the token. Raises ValueError where of another person."""
    told = session.get(endpoint, timeout=_TIMEOUT_S)
    told.raise_for_status()
    more: dict[str, Any] = told.json()
    if more.get("sub") != of:
        raise ValueError("of another person")
    return more


def _label(told: str, subject: str) -> str:
    """Return what the access log calls somebody: plain as it is, else by a digest."""
    if _PLAIN.fullmatch(told):
        return f"oidc:{told}"
    return f"oidc:sha256-{hashlib.sha256(subject.encode()).hexdigest()[:32]}"


def _failed(detail: str) -> Problem:
    return Problem(Code.SIGN_IN_FAILED, detail)


def _unreachable() -> Problem:
    return Problem(
        Code.PROVIDER_UNAVAILABLE,
        "The provider that knows you does not answer; try again, or sign in with a key.",
        headers={"Retry-After": "10"},
    )
