#!/usr/bin/env bash
# Makes a cohort whose cases take no time, and a `head-ct-anomaly` that scores it by everything but the networks:
#   stand_in.sh FOLDER CASES SECONDS
# FOLDER/list/datalist.json is the list, FOLDER/bin the folder of the command, FOLDER/whole one undisturbed run.
set -euo pipefail
folder=$(realpath -m "$1") cases=$2 seconds=$3
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
python=$root/.venv/bin/python
"$root/benchmarks/engines/own_folder.sh" "$folder"
# What an earlier run left in FOLDER.
rm -rf "$folder"/{bin,list,whole,parts,joined,killed,failed,mixed,slurm} "$folder"/*.log
mkdir -p "$folder/bin" "$folder/list"
cat >"$folder/bin/head-ct-anomaly" <<END
#!/bin/sh
export PYTHONPATH="$root/bundle:$root/tests/support:$root" OMP_NUM_THREADS=1
exec "$python" "$root/tests/support/cohort_stand_in.py" "\$@"
END
chmod +x "$folder/bin/head-ct-anomaly"
PYTHONPATH="$root/bundle:$root/tests/support" "$python" - "$folder/list" "$cases" "$seconds" <<'END'
import sys
from pathlib import Path

from cohort_stand_in import write_cohort

folder, cases, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
changes = {number: {"seconds": seconds} for number in range(cases)}
write_cohort(folder, cases, changes | {1: {"refuse": "There is no CT image."}})
END
"$folder/bin/head-ct-anomaly" cohort "$folder/list/datalist.json" -o "$folder/whole" --device cpu --workers 2
