"""How people sign in through a provider of the house (OpenID Connect), by ``MARROW_OIDC_...``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.roles import Role
from storage.settings import SECRETS_DIR

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class OidcSettings(BaseSettings):
    """Which provider, and what its groups may do here. Without an issuer there is none."""

    model_config = SettingsConfigDict(
        env_prefix="MARROW_OIDC_",
        frozen=True,
        extra="ignore",
        secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
    )

    issuer: str | None = None
    """The provider's address, as its tokens name it: ``https://login.example.org/realms/house``."""
    client_id: str = ""
    """What the provider calls Marrow."""
    client_secret: str | None = Field(default=None, repr=False)
    """What Marrow proves that by."""
    scope: str = "openid profile"
    """What is asked for: some providers give groups for a scope of their own."""
    roles_claim: str = "groups"
    """The claim that tells somebody's groups."""
    roles: Mapping[str, Role] = Field(default_factory=dict)
    """The role of each group, as JSON: ``{"radiology-readers": "reviewer"}``. Who is in none of
    them does not get in."""
    caller_claim: str = "sub"
    """The claim that the access log calls somebody by. Only one that people cannot change."""
    name_claim: str = "name"
    """The claim that pages call somebody by."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.issuer is None:
            return self
        address = urlsplit(self.issuer)
        if address.scheme != "https" and address.hostname not in _THIS_MACHINE:
            raise ValueError("the issuer has to be an https address")
        if not self.client_id:
            raise ValueError("with an issuer, MARROW_OIDC_CLIENT_ID has to be set")
        if not self.roles:
            raise ValueError("with an issuer, MARROW_OIDC_ROLES has to be set: nobody gets in")
        return self
