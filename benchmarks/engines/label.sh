#!/usr/bin/env bash
# Builds the image of MONAI Label, starts its server and lets it judge one scan: label.sh FOLDER [OPTION of buildah...]
# images.sh says how it is run, and what that needs. The options are those of container.sh.
set -euo pipefail
folder=$(realpath -m "$1")
shift
source "$(dirname "${BASH_SOURCE[0]}")/images.sh"
"$root/benchmarks/engines/own_folder.sh" "$folder"
build label "$folder" "$@"
rm -rf "$folder/data"
mkdir "$folder/data"
facts label "$folder/data"
inside label "$folder/data" /data <<'END'
check="$(cat /data/health.py)"
refused touch /opt/headct/apps/label/model/file
refused python -c "$check"
mapfile -t server </data/entrypoint
"${server[@]}" >/data/server.log 2>&1 &
for _ in $(seq 120); do python -c "$check" 2>/dev/null && break || sleep 1; done
python -c "$check"
echo "the server is healthy"
python - <<'ASKED'
import gzip
import io
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import requests

ADDRESS, NAME = "http://127.0.0.1:8000", "head_ct_position_anomaly"


def infer(task, image, output):
    url, params = f"{ADDRESS}/infer/{task}", {"image": image, "output": output}
    return requests.post(url, params=params, data={"params": '{"stride": 4}'}, timeout=1800)


models = requests.get(f"{ADDRESS}/info/", timeout=60).json()["models"]
assert set(models) == {NAME, f"{NAME}_mask", f"{NAME}_report"}, models
check = subprocess.Popen([sys.executable, "-c", Path("/data/health.py").read_text()])
scores = infer(NAME, "/mnt/dicom", "json").json()["scores"]
assert max(scores, key=scores.get) == "right_hemisphere", scores
assert check.wait() == 0
print("scores", scores, "- and healthy meanwhile")

heatmap = nib.Nifti1Image.from_bytes(gzip.decompress(infer(NAME, "/mnt/dicom", "image").content))
lesion, values = nib.load("/mnt/lesion.nii.gz"), heatmap.get_fdata()
peak = heatmap.affine @ [*np.unravel_index(values.argmax(), values.shape), 1]
assert lesion.dataobj[tuple(np.rint(np.linalg.solve(lesion.affine, peak))[:3].astype(int))]
print("the heatmap is highest in the lesion")
segmentation = pydicom.dcmread(io.BytesIO(infer(f"{NAME}_mask", "/mnt/dicom", "dicom_seg").content))
print("the segments", [segment.SegmentLabel for segment in segmentation.SegmentSequence])

with open("/mnt/lesion.nii.gz", "rb") as file:
    stored = requests.put(f"{ADDRESS}/datastore/", params={"image": "lesion"}, files={"file": file}, timeout=60)
assert stored.ok and Path("/data/studies/lesion.nii.gz").is_file(), stored.text
refused = infer(NAME, "lesion", "json")
assert refused.status_code == 422, refused.text
print("a file that is no CT was stored and refused:", refused.json()["detail"])
ASKED
kill $!
wait $! || true
END
