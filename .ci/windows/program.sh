#!/usr/bin/env bash
# Runs a Windows program under Wine, for two minutes at most.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/wine.sh"
"$here/setup.sh" > /dev/null
exec timeout --kill-after=10 120 "$wine" "$@" < /dev/null
