"""Put all that an installation without a network needs into one file: ``make bundle``.

The wheels of the lock for this Python and this kind of machine, Marrow's own wheel, the sample archive with
the demonstration, and a script that installs them. ``--check`` then does so with the network cut off, and runs the
demonstration there.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from extractor import __version__

ROOT = Path(__file__).resolve().parent.parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
_NO_NETWORK = ("unshare", "--user", "--map-root-user", "--net", "bash", "-euc")
"""A namespace of its own, in which there is the machine itself and nothing else."""


def main() -> int:
    """Write the bundle; with ``--check`` install it and try it. 1 where that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    parser.add_argument("--check", action="store_true", help="install and try it without a network")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    name = f"marrow-{__version__}-python{PYTHON}"
    target = options.output / f"{name}.tar"
    with tempfile.TemporaryDirectory(prefix="marrow-bundle-") as folder:
        gather(Path(folder) / name)
        with tarfile.open(target, "w") as file:
            file.add(Path(folder) / name, name)
    print(f"{target}: {target.stat().st_size / 2**20:.0f} MB")
    return check(target) if options.check else 0


def gather(folder: Path) -> None:
    """Fill a folder with what the bundle holds."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    lock = ROOT / "requirements" / "runtime.txt"
    make = ("wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels))
    # What is published as source only is built here: the other machine may have no compiler.
    subprocess.run((*_PIP, *make, "--require-hashes", "-r", str(lock)), check=True)
    subprocess.run((*_PIP, *make, str(ROOT)), check=True)
    shutil.copy(ROOT / "deploy" / "offline" / "install.sh", folder)
    for file in ("README.md", "SECURITY.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / file, folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copytree(
        ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "python").write_text(f"{PYTHON}\n", encoding="ascii")
    (folder / "SHA256SUMS").write_text(_sums(folder), encoding="utf-8")


def _sums(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in files
    )


def check(bundle: Path) -> int:
    """Install a bundle where there is no network, and run the demonstration there."""
    with tempfile.TemporaryDirectory(prefix="marrow-offline-") as folder:
        with tarfile.open(bundle) as file:
            file.extractall(folder, filter="data")
        inside = Path(folder) / bundle.stem
        steps = (
            "ip link set lo up; "
            "! getent hosts pypi.org >/dev/null || { echo 'there is a network here' >&2; exit 1; }; "
            "./install.sh && venv/bin/python examples/demo.py"
        )
        done = subprocess.run((*_NO_NETWORK, steps), cwd=inside, check=False)
    print("bundle: all holds" if done.returncode == 0 else "FAILED: see above")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
