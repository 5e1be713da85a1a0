#!/usr/bin/env bash
# Install Marrow from this folder into ./venv (or the folder that is named), without a network.
#   ./install.sh [FOLDER]
# Needs: Linux, the Python that the bundle was made for (see the file `python`) with its venv module.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-$here/venv}
wanted=$(cat "$here/python")

(cd "$here" && sha256sum --quiet --check SHA256SUMS) || { echo "The bundle is damaged: copy it again." >&2; exit 1; }
python=$(command -v "python$wanted" || true)
if [ -z "$python" ]; then
  echo "This bundle is for Python $wanted, which is not on the PATH. Make one with that Python: make bundle" >&2
  exit 1
fi
"$python" -m venv "$target"
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$here"/wheels/*.whl
"$target/bin/marrow" --version
echo "Installed into $target. Go on with: $target/bin/marrow serve"
