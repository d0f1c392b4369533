#!/usr/bin/env bash
# Installs the Rust SDK that Element X is built on, with its bindings to Python, from PyPI, in a cache folder that is no part of the project.
# Does nothing when it is there already. What it is compiled for asks for glibc 2.38: on a system with an older one, that of Debian 13 is unpacked
# beside it, and Python is run with it; the system is left as it is.
set -euo pipefail
folder=${TOMBOLO_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/tombolo-clients}/rust-sdk
package=matrix-sdk-python==0.18.0
python=$folder/python
[ -x "$python" ] && "$python" -c 'import matrix_sdk_python' 2> /dev/null && exit
[ "$(uname -m)" = x86_64 ] || { echo 'There is none for this kind of machine.' && exit 1; }
rm -rf "$folder"
mkdir -p "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --target "$folder/packages" \
  --platform manylinux_2_38_x86_64 "$package"
rm -rf "$folder/venv"

# The loader of a newer glibc, and where it finds what belongs to it before what the system has.
unpack_glibc() {
  local apt=$folder/apt archive
  archive=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Origin: Debian' 2> /dev/null | awk '$2 !~ /-/ { print $1; exit }')
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive trixie main" > "$apt/sources.list"
  local options=(-qq -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt" -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=-
    -o APT::Sandbox::User= -o Acquire::Languages=none)
  apt-get "${options[@]}" update
  (cd "$apt" && apt-get "${options[@]}" download libc6)
  dpkg-deb --extract "$apt"/libc6_*.deb "$folder/glibc"
  rm -rf "$apt"
}

needs() { [ "$(printf '%s\n' "$1" "$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)" | sort -V | head -1)" != "$1" ]; }
run=
if needs 2.38; then
  unpack_glibc
  libraries=$folder/glibc/usr/lib/x86_64-linux-gnu
  run="$libraries/ld-linux-x86-64.so.2 --library-path $libraries:/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu"
fi
printf '#!/bin/sh\nPYTHONPATH=%s exec %s %s "$@"\n' \
  "$folder/packages" "$run" "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" > "$python"
chmod +x "$python"
"$python" -c 'import matrix_sdk_python'
