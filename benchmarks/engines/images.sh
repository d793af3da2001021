#!/usr/bin/env bash
# What container.sh and label.sh share; they source it. It builds a target of apps/container/Dockerfile, and runs a script
# in its image: without network and capabilities, on a read-only root, as a uid that no file knows.
# The base comes from Debian's packages, unless BASE is in the options of buildah, so that no registry of images is needed.
# Needs root, and: apt-get install buildah mmdebstrap iproute2.
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs} # overlay takes a fraction of the space, where the kernel has it

base() { # base FOLDER: python and nothing else, from Debian's packages
    mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$1/base.tar"
    local made
    made=$(buildah from scratch)
    buildah add --quiet "$made" "$1/base.tar" /
    buildah commit --quiet "$made" localhost/head-ct-base
    buildah rm "$made"
    rm "$1/base.tar"
}

image() { # image TARGET: the name of its image
    echo "localhost/head-ct-anomaly$(test "$1" = cpu || echo "-$1")"
}

build() { # build TARGET FOLDER [OPTION of buildah...]
    local target=$1 folder=$2
    shift 2
    if ! [[ " $* " == *" BASE="* ]]; then
        buildah inspect --type image localhost/head-ct-base >/dev/null 2>&1 || base "$folder"
        set -- --build-arg BASE=localhost/head-ct-base "$@"
    fi
    buildah bud --isolation chroot --format docker --target "$target" -t "$(image "$target")" --layers=true \
        -f "$root/apps/container/Dockerfile" --ignorefile "$root/apps/container/Dockerfile.dockerignore" "$@" "$root"
}

facts() { # facts TARGET FOLDER: write the health check and the entry point, a word a line
    buildah inspect --type image --format '{{index .Docker.Config.Healthcheck.Test 3}}' "$(image "$1")" >"$2/health.py"
    buildah inspect --type image --format '{{range .Docker.Config.Entrypoint}}{{println .}}{{end}}' "$(image "$1")" |
        grep . >"$2/entrypoint"
}

# What a script in an image begins with: `refused COMMAND...` ends it if the command goes through.
prelude='
set -eu
refused() { if "$@" 2>/dev/null; then echo "This went through: $*" >&2; exit 1; fi; }
test "$(id -u)" = 12345
refused id -un
python -c "import os; assert all(os.statvfs(place).f_flag & os.ST_RDONLY for place in (\"/\", \"/mnt\"))"
test "$(grep -c : /proc/net/dev)" = 1
grep -q "^CapEff:.0*$" /proc/self/status
cd /tmp
'

inside() { # inside TARGET FOLDER PLACE: run standard input there, with FOLDER at PLACE, the sample at /mnt, memory at /tmp
    local environment mounted script
    container=$(buildah from "$(image "$1")")
    trap 'buildah rm "$container" >/dev/null' EXIT
    mapfile -t environment < <(buildah inspect --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$container" | grep .)
    mounted=$(buildah mount "$container")
    script=$prelude$(cat)
    chown 12345:12345 "$2"
    ROOT=$mounted SCANS=$root/sample FOLDER=$2 PLACE=$3 SCRIPT=$script unshare --net --mount bash -euc '
        mkdir -p "$ROOT$PLACE"
        mount --bind "$ROOT" "$ROOT"
        mount -o remount,ro,bind "$ROOT"
        mount --bind "$SCANS" "$ROOT/mnt"
        mount -o remount,ro,bind "$ROOT/mnt"
        mount --bind "$FOLDER" "$ROOT$PLACE"
        mount -t tmpfs tmpfs "$ROOT/tmp"
        mount --rbind /dev "$ROOT/dev"
        mount -t proc proc "$ROOT/proc"
        ip link set lo up
        exec env -i "$@" OMP_NUM_THREADS=1 "$(command -v chroot)" "$ROOT" \
            setpriv --reuid 12345 --regid 12345 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
            bash -c "$SCRIPT"
        ' container "${environment[@]}"
}
