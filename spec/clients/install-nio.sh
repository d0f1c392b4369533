#!/usr/bin/env bash
# Installs matrix-nio with its encryption from PyPI, in a cache folder that is no part of the project. Does nothing when it is there already.
set -euo pipefail
folder=${TOMBOLO_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/tombolo-clients}/nio
"$folder/bin/python" -c 'import nio, vodozemac' 2> /dev/null && exit
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check 'matrix-nio[e2e]==0.26.0'
