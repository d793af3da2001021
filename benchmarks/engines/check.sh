#!/usr/bin/env bash
# Runs what apps/ has for containers and schedulers, one after the other, in FOLDER, and says what was not run:
#   check.sh FOLDER [OPTION of buildah...]
# Needs Debian, root for SLURM and the image, and what the first lines of each script name. Options of docker build are
# in the variable DOCKER_OPTIONS.
set -uo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")") folder=$(realpath -m "$1")
shift
root=$(realpath "$here/../..") failed=0
mkdir -p "$folder"
test -x "$folder/tools/bin/cwltool" || {
    "$root/.venv/bin/python" -m venv "$folder/tools" &&
        "$folder/tools/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
} || exit 1
export PATH=$folder/tools/bin:$PATH

works() { # works PROGRAM: it is installed; docker builds, for which it needs a daemon and, from version 23 on, buildx
    command -v "$1" >/dev/null || return
    test "$1" != docker || printf 'FROM scratch\nLABEL tried=1\n' | DOCKER_BUILDKIT=1 docker build - >/dev/null 2>&1
}

step() { # step NAME PROGRAM,PROGRAM COMMAND...: run it, if its programs are here, and say how it went
    local name=$1 programs=${2//,/ } program
    shift 2
    for program in $programs; do
        if ! works "$program" || ((EUID)); then
            echo "$name: NOT RUN, it needs $program that works, and root"
            return
        fi
    done
    if "$@" >"$folder/$name.log" 2>&1; then echo "$name: passed"; else
        echo "$name: FAILED, see $folder/$name.log"
        failed=1
    fi
}
step dockerfile "" hadolint "$root/apps/container/Dockerfile"
step kubernetes "" kubernetes-validate --strict "$root"/apps/kubernetes/*.yaml
step cwl "" "$here/cwl.sh" "$folder/cwl"
step slurm slurmctld,slurmd,munged "$here/slurm.sh" "$folder/slurm"
step image buildah,mmdebstrap "$here/container.sh" "$folder/image" "$@"
step label buildah,mmdebstrap "$here/label.sh" "$folder/label" "$@"
# shellcheck disable=SC2086 # several options
step docker docker "$here/docker.sh" "$folder/docker" ${DOCKER_OPTIONS:-}
exit $failed
