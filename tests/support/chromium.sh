#!/usr/bin/env bash
# Print the path of a Chromium: what CHROMIUM names, the one on PATH, or one that npm brings into a folder ($1).
set -euo pipefail
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable chrome; do
    if [ -n "$name" ] && command -v "$name"; then exit; fi
done
folder="$(mkdir -p "$1" && cd "$1" && pwd)"
if [ ! -x "$folder/chromium" ]; then
    command -v npm >/dev/null || { echo "No Chromium was found. Install one, name it by CHROMIUM, or install npm." >&2; exit 1; }
    (cd "$folder" && npm install --silent --no-audit --no-fund @sparticuz/chromium@153.0.0) >&2
    # It unpacks itself, with what draws WebGL in software, into the folder for temporary files.
    (cd "$folder" && TMPDIR="$folder" node -e 'import("@sparticuz/chromium").then((m) => m.default.executablePath())') >&2
fi
ldd "$folder/chromium" | grep "not found" >&2 && { echo "Install these libraries for Chromium, or name another by CHROMIUM." >&2; exit 1; }
echo "$folder/chromium"
