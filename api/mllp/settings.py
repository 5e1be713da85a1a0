"""What an operator may set of the live feed, by ``MARROW_MLLP_...`` environment variables."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Network, IPv6Network

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class MllpSettings(BaseSettings):
    """Where the feed listens, and whom it listens to: MLLP itself knows no sign-in."""

    model_config = SettingsConfigDict(env_prefix="MARROW_MLLP_", frozen=True)

    host: str = "127.0.0.1"
    """The address to listen on; the default answers this machine only."""
    port: int = Field(default=2575, ge=0, le=65_535)
    """The TCP port; 0 lets the system choose a free one. 2575 is registered for HL7."""
    peers: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses and networks, as JSON, that may send; empty: whoever reaches the address."""
    max_connections: int = Field(default=64, ge=1)
    """Connections at once; one more is closed at once."""
    message_timeout_s: float = Field(default=60.0, gt=0)
    """How long a message may take from its first byte to its last."""

    def lets_in(self, peer: str | None) -> bool:
        """Say whether an address may send."""
        if not self.peers:
            return True
        try:
            address = ipaddress.ip_address(peer or "")
        except ValueError:
            return False
        return any(address in network for network in self.peers)
