"""A provider of OpenID Connect, built with Authlib's server side, run as a process by the tests.

Its one user is signed in at it already. It asks for the client's secret and for PKCE. `POST
/control` says who the user is (claims; they may also say what the token must not), how the token is
signed, and whether the groups are in the token or in the user info.

    python -m tests.oidc_provider PORT
"""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from typing import Any

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeGrant, ClientMixin
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import make_server

CLIENT_ID = "marrow"
CLIENT_SECRET = "a secret for tests only"
KEY = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)

app = flask.Flask(__name__)
control: dict[str, Any] = {}
codes: dict[str, Code] = {}
tokens: set[str] = set()


class Client(ClientMixin):  # type: ignore[misc]
    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(one for one in scope.split() if one in {"openid", "profile"})

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/sign-in/oidc/callback")

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, CLIENT_SECRET)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> None:
        return None

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code: str, request: Any) -> None:
        sent = request.payload.data
        codes[code] = Code(
            redirect_uri=sent["redirect_uri"],
            scope=sent["scope"],
            nonce=sent.get("nonce"),
            code_challenge=sent.get("code_challenge"),
            code_challenge_method=sent.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, _client: Client) -> Code | None:
        return codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        for code in [code for code, one in codes.items() if one is authorization_code]:
            del codes[code]

    def authenticate_user(self, _authorization_code: Code) -> str:
        return "the user"


class IdToken(OpenIDCode):  # type: ignore[misc]
    def exists_nonce(self, nonce: str, _request: Any) -> bool:
        return nonce in {code.nonce for code in codes.values()}

    def get_jwt_config(self, _grant: Any, _client: Any = None) -> dict[str, Any]:
        key = OTHER_KEY if control.get("fault") == "key" else KEY
        alg = "none" if control.get("fault") == "unsigned" else "RS256"
        return {"key": key.as_dict(private=True), "alg": alg, "exp": 300, "iss": issuer()}

    def generate_user_info(self, _user: str, _scope: str) -> dict[str, Any]:
        claims: dict[str, Any] = dict(control["claims"])
        if control.get("groups_beside"):
            claims.pop("groups", None)
        return claims


server = AuthorizationServer(
    app,
    query_client=lambda id_: Client() if id_ == CLIENT_ID else None,
    save_token=lambda token, _request: tokens.add(token["access_token"]),
)
server.register_grant(CodeGrant, [IdToken(require_nonce=True), CodeChallenge(required=True)])


def issuer() -> str:
    return flask.request.host_url.rstrip("/")


@app.get("/.well-known/openid-configuration")
def configuration() -> dict[str, Any]:
    return {
        "issuer": control.get("issuer", issuer()),
        "authorization_endpoint": f"{issuer()}/authorize",
        "token_endpoint": f"{issuer()}/token",
        "userinfo_endpoint": f"{issuer()}/userinfo",
        "jwks_uri": f"{issuer()}/jwks",
        # A provider that offers unsigned tokens, too, gets none of them past us.
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
    }


@app.get("/jwks")
def jwks() -> Any:
    return KeySet([KEY]).as_dict(private=False)


@app.get("/authorize")
def authorize() -> Any:
    user = None if control.get("fault") == "denied" else "the user"
    grant = server.get_consent_grant(end_user=user)
    return server.create_authorization_response(grant_user=user, grant=grant)


@app.post("/token")
def token() -> Any:
    return server.create_token_response()


@app.get("/userinfo")
def userinfo() -> Any:
    if flask.request.headers.get("authorization", "").removeprefix("Bearer ") not in tokens:
        return {}, 401
    return control["claims"] | control.get("beside", {})


@app.post("/control")
def set_control() -> str:
    control.clear()
    control.update(flask.request.get_json())
    return ""


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
