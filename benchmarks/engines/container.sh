#!/usr/bin/env bash
# Builds the images and judges one scan in that of the command, and looks at the health of the node, as root: container.sh FOLDER [OPTION of buildah...]
# The run has no network, a uid that no file knows, a read-only root and no capability. The options are for the build:
# --build-arg BASE=..., or the index of packages: --secret id=pip,src=pip.conf.
# Without BASE in the options the base comes from Debian's packages, so that no registry of images is needed.
# Needs: apt-get install buildah mmdebstrap iproute2.
set -euo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")") folder=$(realpath -m "$1")
shift
root=$(realpath "$here/../..") image=localhost/head-ct-anomaly
export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
mkdir -p "$folder"

base() { # python and nothing else, from Debian's packages
    mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$folder/base.tar"
    local made
    made=$(buildah from scratch)
    buildah add --quiet "$made" "$folder/base.tar" /
    buildah commit --quiet "$made" localhost/head-ct-base
    buildah rm "$made"
    rm "$folder/base.tar"
}

if ! [[ " $* " == *" BASE="* ]]; then
    buildah inspect --type image localhost/head-ct-base >/dev/null 2>&1 || base
    set -- --build-arg BASE=localhost/head-ct-base "$@"
fi
for target in node cpu; do
    name=$image$(test $target = cpu || echo "-$target")
    buildah bud --isolation chroot --format docker --target $target -t "$name" --layers=true \
        -f "$root/apps/container/Dockerfile" --ignorefile "$root/apps/container/Dockerfile.dockerignore" "$@" "$root"
done

container=$(buildah from "$image")
trap 'buildah rm "$container" >/dev/null' EXIT
place=$(buildah mount "$container")
mapfile -t environment < <(buildah inspect --format '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' "$container" | grep .)
mkdir -p "$folder/out"
buildah inspect --type image --format '{{index .Docker.Config.Healthcheck.Test 3}}' "$image-node" >"$folder/out/health.py"
chown 12345:12345 "$folder/out"
# /mnt is the folder of scans, read-only, /srv that of results; all else that can be written is in memory, in /tmp.
cat >"$folder/inside.sh" <<'END'
set -eu
test "$(id -u)" = 12345
! touch /opt/headct/file 2>/dev/null
! touch /mnt/file 2>/dev/null
test "$(grep -c : /proc/net/dev)" = 1
cd /tmp
head-ct-anomaly --version
head-ct-anomaly run /mnt/dicom -o /srv/scan --stride 4 --device cpu --dicom --overwrite
head-ct-anomaly verify /srv/scan
check="$(cat /srv/health.py)"
! python -c "$check" 2>/dev/null
head-ct-anomaly listen --host 0.0.0.0 /srv/spool --sender SCANNER --to PACS@127.0.0.1:4242 &
node=$!
for _ in $(seq 60); do python -c "$check" 2>/dev/null && break || sleep 1; done
python -c "$check"
echo "the node is healthy"
kill $node
wait $node || true
END
export PLACE=$place SCANS=$root/sample OUT=$folder/out INSIDE=$folder/inside.sh
unshare --net --mount bash -euc '
    mount --bind "$PLACE" "$PLACE"
    mount -o remount,ro,bind "$PLACE"
    mount --bind "$SCANS" "$PLACE/mnt"
    mount -o remount,ro,bind "$PLACE/mnt"
    mount --bind "$OUT" "$PLACE/srv"
    mount -t tmpfs tmpfs "$PLACE/tmp"
    mount --rbind /dev "$PLACE/dev"
    mount -t proc proc "$PLACE/proc"
    ip link set lo up
    exec env -i "$@" OMP_NUM_THREADS=1 "$(command -v chroot)" "$PLACE" \
        setpriv --reuid 12345 --regid 12345 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all bash -c "$(cat "$INSIDE")"
    ' container "${environment[@]}"
