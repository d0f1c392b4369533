#!/usr/bin/env bash
# Builds Dendrite from its Go module, in a cache folder that is no part of the project. Does nothing when it is there already.
set -euo pipefail
folder=${TOMBOLO_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/tombolo-clients}/dendrite
"$folder/dendrite" -version > /dev/null 2>&1 && exit
mkdir -p "$folder/build"
cd "$folder/build"
printf 'module specs.test/dendrite\n\ngo 1.23\n\nrequire github.com/element-hq/dendrite v0.15.2\n' > go.mod
go build -mod=mod -trimpath -o "$folder/dendrite" github.com/element-hq/dendrite/cmd/dendrite
