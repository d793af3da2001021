#!/usr/bin/env bash
# Builds the images of the node and the command, judges one scan in that of the command, and looks at the node's health:
#   container.sh FOLDER [OPTION of buildah...]
# images.sh says how it is run, and what that needs. The options are for the build:
# --build-arg BASE=..., or the index of packages: --secret id=pip,src=pip.conf.
# With TARGET=cuda in the environment, that target is built in place of cpu; it judges on the CPU.
set -euo pipefail
folder=$(realpath -m "$1") target=${TARGET:-cpu}
shift
source "$(dirname "${BASH_SOURCE[0]}")/images.sh"
mkdir -p "$folder/out"
for name in node "$target"; do build "$name" "$folder" "$@"; done
facts node "$folder/out"
echo "$target" >"$folder/out/target"
inside "$target" "$folder/out" /srv <<'END'
if test "$(cat /srv/target)" = cuda; then
    python -c "import torch; print('torch', torch.__version__, 'of CUDA', torch.version.cuda); assert torch.version.cuda"
fi
refused touch /opt/headct/file
refused touch /mnt/file
head-ct-anomaly --version
head-ct-anomaly run /mnt/dicom -o /srv/scan --stride 4 --device cpu --dicom --overwrite
head-ct-anomaly verify /srv/scan
check="$(cat /srv/health.py)"
refused python -c "$check"
mapfile -t node </srv/entrypoint
"${node[@]}" /srv/spool --sender SCANNER --to PACS@127.0.0.1:4242 &
for _ in $(seq 60); do python -c "$check" 2>/dev/null && break || sleep 1; done
python -c "$check"
echo "the node is healthy"
kill $!
wait $! || true
END
