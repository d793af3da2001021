#!/usr/bin/env bash
# Makes a folder that the scripts beside this one may clear: own_folder.sh FOLDER
# They remove folders such as `out`, `list` and `data` in it. So it must be new, empty, or made by this script before.
set -euo pipefail
mark=$1/.made_by_engines
test -e "$mark" && exit
if test -n "$(ls -A "$1" 2>/dev/null)"; then
    echo "$1 holds other files, which would be cleared. Name a new or empty folder, or remove what an earlier version made." >&2
    exit 2
fi
mkdir -p "$1"
touch "$mark"
