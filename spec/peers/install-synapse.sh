#!/usr/bin/env bash
# Installs Synapse from PyPI, in a cache folder that is no part of the project. Does nothing when it is there already.
set -euo pipefail
folder=${TOMBOLO_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/tombolo-clients}/synapse
"$folder/bin/python" -c 'import synapse.app.homeserver' 2> /dev/null && exit
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary=matrix-synapse 'matrix-synapse==1.163.2'
