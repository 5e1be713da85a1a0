"""Check that requirements/*.txt are what ``make lock`` would write without an upgrade.

Each lock is compiled again into a temporary copy of itself, so that versions already chosen are
kept; any difference means that ``pyproject.toml`` was changed and ``make lock`` was not run.
"""

from __future__ import annotations

import difflib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (
    "runtime.txt",
    "dev.txt",
    "build.txt",
    "bench.txt",
    "s3.txt",
    "browser.txt",
    "docs.txt",
    "fuzz.txt",
    "peers.txt",
)


def main() -> int:
    """Compile the locks in a copy of the project's metadata; 1 where one differs."""
    with tempfile.TemporaryDirectory(prefix="marrow-lock-") as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / "requirements", copy / "requirements")
        shutil.copy(ROOT / "pyproject.toml", copy)
        shutil.copy(ROOT / "Makefile", copy)
        # There is no environment in the copy: take the tools from this one, and `-o` keeps make
        # from building another. ARGS may hold words for pytest.
        command = ["make", "-o", ".venv/.dev-installed", "lock", "ARGS="]
        command.append(f"BIN={Path(sys.executable).parent}")
        done = subprocess.run(command, cwd=copy, check=False)
        if done.returncode != 0:
            print("The locks could not be compiled (see above)", file=sys.stderr)
            return 1
        changed = [name for name in LOCKS if differs(name, copy)]
    if changed:
        print("Out of date; run `make lock`: " + ", ".join(changed), file=sys.stderr)
        return 1
    print("Locks are up to date")
    return 0


def differs(name: str, copy: Path) -> bool:
    """Whether the lock ``name`` of the project differs from the one in ``copy``; prints how."""
    old = (ROOT / "requirements" / name).read_text().splitlines()
    new = (copy / "requirements" / name).read_text().splitlines()
    diff = list(
        difflib.unified_diff(old, new, f"requirements/{name}", "make lock", n=0, lineterm="")
    )
    print("\n".join(diff[:40]), end="\n" if diff else "")
    return bool(diff)


if __name__ == "__main__":
    sys.exit(main())
