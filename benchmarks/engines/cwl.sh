#!/usr/bin/env bash
# Runs apps/cwl/cohort.cwl by cwltool: cwl.sh FOLDER
# A cohort of the stand-in in 4 shards at once, merged and compared with one undisturbed run; a shard that is killed,
# which cwltool must call worth another try, and one with a wrong argument, which it must not; and a cohort with a scan
# that fails, whose tables must be there all the same.
# Needs cwltool on the path.
set -euo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")") folder=$(realpath -m "$1")
workflows=$here/../../apps/cwl
"$here/stand_in.sh" "$folder" 24 0.2
export PATH=$folder/bin:$PATH
cd "$folder"
cat >job.yml <<'END'
scans: {class: Directory, location: list}
list: datalist.json
shards: [1/4, 2/4, 3/4, 4/4]
workers: 1
cwl:requirements:
  - {class: ResourceRequirement, coresMin: 1, ramMin: 200}
END
cwltool --quiet --no-container --parallel --outdir joined "$workflows/cohort.cwl" job.yml >joined.json
"$here/same_tables.sh" joined whole
cmp joined/cohort.json whole/cohort.json

mkdir -p killed
printf '#!/bin/sh\nexit "$CODE"\n' >killed/head-ct-anomaly
chmod +x killed/head-ct-anomaly
for pair in 4:temporaryFail 137:temporaryFail 2:permanentFail 3:permanentFail 5:success; do
    export CODE=${pair%:*}
    PATH=$folder/killed:$PATH cwltool --no-container --preserve-environment CODE --outdir failed "$workflows/shard.cwl" \
        --scans list --shard 1/4 >/dev/null 2>log.txt || true
    grep -q "completed .*${pair#*:}" log.txt
    echo "exit code $CODE: ${pair#*:}"
done

sed -i 's/{/{"error": "broken", /' list/scan_2.txt
cwltool --quiet --no-container --parallel --outdir mixed "$workflows/cohort.cwl" job.yml >mixed.json
grep -q '^case-2,failed' mixed/score_details.csv
echo "a scan that failed has its row in the joined table"
