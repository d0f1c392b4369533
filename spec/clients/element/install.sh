#!/usr/bin/env bash
# Builds the web client that element.spec.ts drives: Element's, from the packages of the npm registry, in a cache folder that is no part of the project.
# Does nothing when it is there already. Its last line names the folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${TOMBOLO_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/tombolo-clients}/element
recipe=$(cat "$here"/install.sh "$here"/*.mjs | sha256sum)
if [ "$(cat "$cache/recipe" 2> /dev/null)" != "$recipe" ]; then
  rm -rf "$cache"
  mkdir -p "$cache"
  cp "$here"/*.mjs "$cache"
  cd "$cache"
  echo '{ "private": true, "type": "module" }' > package.json
  npm install --ignore-scripts --legacy-peer-deps --no-audit --no-fund --loglevel=error \
    matrix-react-sdk@3.114.0 react@17.0.2 react-dom@17.0.2 buffer@6.0.3 util@0.12.5 matrix-web-i18n@3.2.1 @vector-im/compound-web@7.0.0 @vector-im/compound-design-tokens@1.8.0 \
    esbuild@0.25.12 postcss@8.5.6 postcss-scss@4.0.9 postcss-import@16.1.1 postcss-mixins@9.0.4 postcss-simple-vars@7.0.1 \
    postcss-nested@6.2.0 postcss-easings@4.0.0 postcss-hexrgba@2.1.0
  node build.mjs
  echo "$recipe" > recipe
fi
echo "$cache/web"
