#!/usr/bin/env bash
# Installs Debian's packages that .ci/run needs and this machine does not have, if it may.
set -euo pipefail

# A command of each package, and the package.
declare -A packages=(
  [cmake]=cmake
  [g++]=g++
  [clang-format]=clang-format
  [x86_64-w64-mingw32-g++-posix]=g++-mingw-w64-x86-64
  [/usr/lib/wine/wine64]="wine wine64"
)

missing=()
for command in "${!packages[@]}"; do
  # shellcheck disable=SC2206
  command -v "$command" > /dev/null || missing+=(${packages[$command]})
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "install-tools.sh: missing, and not root: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "install-tools.sh: installing ${missing[*]}"
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
