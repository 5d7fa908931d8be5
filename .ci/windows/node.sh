#!/usr/bin/env bash
# Runs Windows' node.exe with the given arguments under Wine and prints what it has printed when it has ended.
# SECONDS_ALLOWED is its time limit (default 120), after which it and its children are ended. The exit code is its own;
# 99 if Wine's server crashed under it twice.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/wine.sh"

# Where Node looks for what it does not find in the clone's own node_modules, which holds Linux binaries.
NODE_PATH=$("$here/setup.sh") || exit 1
export NODE_PATH

output=$(mktemp)
trap 'rm -f "$output"' EXIT

readonly crashed=99

# All processes of the prefix: without their server they neither go on nor end.
end_orphans() {
  local environment
  for environment in /proc/[0-9]*/environ; do
    if tr '\0' '\n' < "$environment" 2> /dev/null | grep -qx "WINEPREFIX=$WINEPREFIX"; then
      local pid=${environment//[!0-9]/}
      [ "$pid" = "$$" ] || kill -KILL "$pid" 2> /dev/null
    fi
  done
}

# To a file: with a pipe of Unix as its output, node.exe ends with "open EBADF".
run() {
  timeout --kill-after=10 "${SECONDS_ALLOWED:-120}" "$wine" "$node" "$@" > "$output" 2>&1 < /dev/null &
  local process=$! absent=0
  while kill -0 "$process" 2> /dev/null; do
    sleep 1
    if grep -qs '^wineserver' /proc/[0-9]*/comm; then absent=0; else absent=$((absent + 1)); fi
    if [ "$absent" -ge 10 ]; then
      kill "$process" 2> /dev/null
      end_orphans
      wait "$process" 2> /dev/null
      return "$crashed"
    fi
  done
  wait "$process"
}

run "$@"
code=$?
failure=
if [ "$code" -eq "$crashed" ]; then
  failure="Wine's server has crashed"
# Wine hangs before the first line of the program about twice in a thousand starts.
elif [ "$code" -ge 124 ] && [ ! -s "$output" ]; then
  failure="nothing was printed in ${SECONDS_ALLOWED:-120} s"
# Seen once: esbuild, which reads vitest's configuration, could not be started. No test had begun.
elif [ "$code" -ne 0 ] && grep -q '^failed to load config' "$output" && grep -q '^Error: spawn UNKNOWN' "$output"; then
  failure="Wine has not started a process before the first test"
fi
if [ -n "$failure" ]; then
  echo "node.sh: $failure; once more: $*" >&2
  run "$@"
  code=$?
fi
cat "$output"
[ "$code" -ne 124 ] || echo "node.sh: ended after ${SECONDS_ALLOWED:-120} s, its time limit: $*" >&2
[ "$code" -ne "$crashed" ] || echo "node.sh: Wine's server has crashed again: $*" >&2
exit "$code"
