#!/usr/bin/env bash
# Make the environment of the application: apps/label/setup.sh FOLDER [PYTHON].  It needs Python 3.11 and 4 GB of disk.
set -euo pipefail
folder=${1:?name the folder of the environment: apps/label/setup.sh .venv-label}
python=${2:-python3.11}
here=$(dirname "${BASH_SOURCE[0]}")
test -x "$folder/bin/python" || "$python" -m venv "$folder"
install=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check -c "$here/constraints.txt")
# torch comes first and alone: a build that is there already, for a GPU say, is kept if its version fits.
"${install[@]}" "$(grep '^torch==' "$here/requirements.txt")"
# constraints.txt has all of the rest, so nothing is resolved: a version that this Python can't have is named at once, and
# not looked for in combinations.  sam2, a part of MONAI Label that is never called, is built from source; built apart, it
# would fetch a second torch, for a GPU.
"${install[@]}" setuptools wheel numpy
SAM2_BUILD_CUDA=0 "${install[@]}" --no-build-isolation --no-deps -r "$here/constraints.txt"
