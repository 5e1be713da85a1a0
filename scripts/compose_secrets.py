"""Write the secrets that docker-compose.yml mounts: random, once, into ``secrets/``.

A file that is there is kept: the database knows its password already. The directory is closed to
others (0700); the files in it are readable (0444), because inside a container another user than
this one reads them.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Write what is missing; print the names, never the secrets."""
    parser = argparse.ArgumentParser(description="Write random secrets for docker-compose.yml.")
    parser.add_argument("--directory", type=Path, default=ROOT / "secrets")
    folder: Path = parser.parse_args().directory
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    postgres = _keep_or_write(folder / "postgres_password", secrets.token_urlsafe(32))
    redis = _keep_or_write(folder / "redis_password", secrets.token_urlsafe(32))
    _keep_or_write(folder / "redis_conf", f"requirepass {redis}\n")
    _keep_or_write(
        folder / "marrow_database_url", f"postgresql://marrow:{postgres}@postgres:5432/marrow"
    )
    _keep_or_write(folder / "marrow_redis_url", f"redis://:{redis}@redis:6379/0")
    return 0


def _keep_or_write(path: Path, value: str) -> str:
    """Return what the file holds; where there is none, write ``value`` first."""
    if path.exists():
        print(f"{path}: kept")
        return path.read_text().strip()
    path.touch(mode=0o600)
    path.write_text(value)
    path.chmod(0o444)
    print(f"{path}: written")
    return value


if __name__ == "__main__":
    sys.exit(main())
