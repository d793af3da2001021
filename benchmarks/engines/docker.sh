#!/usr/bin/env bash
# Runs what docs/archives.md says of docker: docker.sh FOLDER [OPTION of docker build...]
# It builds the command, the node and MONAI Label, judges the sample without network as a foreign uid on a read-only root,
# sends it to the node by a published port, which sends its results on to a PACS here, and asks MONAI Label for scores.
# The options are for the builds: --build-arg BASE=... for another base, --secret id=pip,src=pip.conf for an index.
# Needs a daemon of docker and BuildKit, and .venv in the checkout.
set -euo pipefail
folder=$(realpath -m "$1") root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..") uid=12345
shift
"$root/benchmarks/engines/own_folder.sh" "$folder"
python=$root/.venv/bin/python sample=$root/sample
facts=$root/bundle/configs/metadata.json
version=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["version"])' "$facts")
started=()
trap 'if ((${#started[@]})); then docker rm -f "${started[@]}" >/dev/null; fi; kill $(jobs -p) 2>/dev/null || true' EXIT
export DOCKER_BUILDKIT=1
rm -rf "$folder"/{out,spool,data,pacs}
mkdir -p "$folder"/{out,spool,data,pacs}
if ((EUID == 0)); then chown "$uid" "$folder"/{out,spool,data}; else uid=$EUID; fi

build() { # build IMAGE [OPTION...]
    local name=$1
    shift
    docker build --progress plain -f "$root/apps/container/Dockerfile" -t "$name" "$@" "$root"
}

start() { # start NAME [OPTION and argument of docker run...]: in the background, as the foreign uid, read-only
    docker run -d --name "$1" --read-only --tmpfs /tmp --user "$uid" "${@:2}"
    started+=("$1")
}

wait_for() { # wait_for WORDS SECONDS COMMAND...: until the command goes through
    local words=$1 seconds=$2
    shift 2
    for ((; seconds; seconds--)); do
        if "$@"; then
            echo "$words"
            return
        fi
        sleep 1
    done
    echo "Not in time: $words" >&2
    return 1
}

healthy() { test "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy; }
sent() { docker logs "$node" 2>&1 | grep -q "results sent"; }

build "head-ct-anomaly:$version" "$@"
docker run --rm --network none --read-only --tmpfs /tmp --user "$uid" -v "$sample:/scans:ro" -v "$folder/out:/out" \
    "head-ct-anomaly:$version" run /scans/dicom -o /out/scan
"$root/.venv/bin/head-ct-anomaly" verify "$folder/out/scan"

build "head-ct-anomaly-node:$version" --target node "$@"
node=head-ct-node-$$ pacs=$("$python" -c 'import socket; s = socket.create_server(("", 0)); print(s.getsockname()[1])')
(cd "$folder/pacs" && exec "$python" -m pynetdicom storescp "$pacs" -aet PACS -od . >"$folder/pacs.log" 2>&1) &
start "$node" --add-host pacs.example:host-gateway -v "$folder/spool:/spool" -p 127.0.0.1::11112 \
    "head-ct-anomaly-node:$version" /spool --sender SCANNER --to "PACS@pacs.example:$pacs"
wait_for "the node is healthy" 120 healthy "$node"
"$python" - "$(docker port "$node" 11112/tcp)" "$sample/dicom" <<'END'
import sys
from pathlib import Path

import pydicom
from pynetdicom import AE

host, _, port = sys.argv[1].rpartition(":")
slices = [pydicom.dcmread(path) for path in Path(sys.argv[2]).iterdir()]
scanner = AE("SCANNER")
scanner.add_requested_context(slices[0].SOPClassUID, slices[0].file_meta.TransferSyntaxUID)
association = scanner.associate(host, int(port), ae_title="HEADCTANOMALY")
assert association.is_established
assert {association.send_c_store(one).Status for one in slices} == {0}
association.release()
print("sent", len(slices), "slices to the node")
END
wait_for "the node has sent its results" 600 sent
classes=$("$python" -c '
import sys, pydicom
print(*sorted({pydicom.dcmread(path, specific_tags=["SOPClassUID"]).SOPClassUID.name for path in sys.argv[1:]}), sep=", ")
' "$folder"/pacs/*)
echo "the PACS has: $classes"
grep -q Segmentation <<<"$classes"

build "head-ct-anomaly-label:$version" --target label "$@"
label=head-ct-label-$$
start "$label" -v "$folder/data:/data" -v "$sample:/scans:ro" -p 127.0.0.1::8000 "head-ct-anomaly-label:$version"
wait_for "MONAI Label is healthy" 300 healthy "$label"
url=http://$(docker port "$label" 8000/tcp)/infer/head_ct_position_anomaly
curl -sSf -X POST "$url?image=/scans/dicom&output=json" -o "$folder/label.json"
"$python" - "$folder/label.json" "$folder/out/scan/result.json" <<'END'
import json
import sys
from math import isclose
from pathlib import Path

label, command = (json.loads(Path(path).read_text())["scores"] for path in sys.argv[1:])
print("MONAI Label's scores", label)
assert all(isclose(label[name], command[name], rel_tol=1e-5) for name in command), command
assert max(label, key=label.get) == "right_hemisphere"
END
