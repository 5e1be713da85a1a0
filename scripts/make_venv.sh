#!/usr/bin/env bash
# Make a virtual environment from the first Python of 3.11 to 3.13 that is found: make_venv.sh DIR
# PYTHON=/path/to/python overrides the search.
set -euo pipefail

venv=${1:?usage: make_venv.sh DIR}
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

for python in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python; do
  if ! "$python" -c "$fits" >/dev/null 2>&1; then
    [ "$python" != "${PYTHON:-}" ] || { echo "PYTHON=$PYTHON is not a Python from 3.11 to 3.13" >&2; exit 1; }
    continue
  fi
  if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    without_venv=$python
    continue
  fi
  echo "Making $venv with $("$python" --version)"
  exec "$python" -m venv --clear "$venv"
done

if [ -n "${without_venv:-}" ]; then
  echo "$without_venv has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2
else
  echo "Marrow needs a Python from 3.11 to 3.13; found: $(python3 --version 2>/dev/null || echo none)." >&2
  echo "Install one, or say where it is: make PYTHON=/path/to/python3.12 ..." >&2
fi
exit 1
