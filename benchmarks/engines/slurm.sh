#!/usr/bin/env bash
# Runs apps/slurm/shards.sh on a real SLURM of this machine, as root: slurm.sh FOLDER
# A cohort of the stand-in in 4 shards: one is ended by scancel and put into the queue again, one ends twice with
# exit code 137 and puts itself there; all are merged and compared with one undisturbed run.
# Needs: apt-get install slurm-wlm munge. The daemons that this starts end with it.
set -euo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")") folder=$(realpath -m "$1")
export SLURM_CONF=$folder/slurm/slurm.conf
shards=4 munged=/run/munge/of_this_test.pid

daemons() { # munge, slurmctld and slurmd, with a configuration of one node
    mkdir -p "$folder/slurm/state" "$folder/slurm/spool" /run/munge
    chown munge: /run/munge
    local memory
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat >"$SLURM_CONF" <<END
ClusterName=here
SlurmctldHost=localhost
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation=$folder/slurm/state
SlurmdSpoolDir=$folder/slurm/spool
SlurmctldPidFile=$folder/slurm/slurmctld.pid
SlurmdPidFile=$folder/slurm/slurmd.pid
SlurmctldLogFile=$folder/slurm/slurmctld.log
SlurmdLogFile=$folder/slurm/slurmd.log
KillWait=5
ReturnToService=2
NodeName=localhost CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
END
    if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
        runuser -u munge -- munged --pid-file "$munged"
    fi
    slurmctld
    slurmd -N localhost
    for _ in $(seq 30); do
        sinfo -h -o %T 2>/dev/null | grep -q idle && return
        sleep 1
    done
    echo "SLURM did not come up: $folder/slurm/*.log" >&2
    return 1
}

end() {
    for name in slurmd slurmctld; do
        test -f "$folder/slurm/$name.pid" && kill "$(cat "$folder/slurm/$name.pid")" 2>/dev/null || true
    done
    test -f "$munged" && kill "$(cat "$munged")" || true
}
trap end EXIT

"$here/stand_in.sh" "$folder" 24 3
# The command under its name, but for shard 3 one that is killed in its first two tries.
mkdir -p "$folder/killed"
cat >"$folder/killed/head-ct-anomaly" <<END
#!/bin/sh
case "\${SLURM_ARRAY_TASK_ID:-}.\${SLURM_RESTART_COUNT:-0}" in 3.0 | 3.1) kill -9 \$\$ ;; esac
exec "$folder/bin/head-ct-anomaly" "\$@"
END
chmod +x "$folder/killed/head-ct-anomaly"
export PATH=$folder/killed:$PATH
daemons
cd "$folder"
job=$(sbatch --parsable --array=1-$shards --cpus-per-task=1 --mem=1G "$here/../../apps/slurm/shards.sh" \
    list/datalist.json parts $shards --device cpu)
after=$(sbatch --parsable --dependency=afterany:"$job" --mem=1G --output=merge.log \
    --wrap 'head-ct-anomaly merge parts/shard_* -o joined')
echo "array $job, merge $after"
until test -n "$(ls parts/shard_1_of_$shards/cases 2>/dev/null)"; do sleep 0.5; done
before=$(ls parts/shard_1_of_$shards/cases | wc -l)
scancel "${job}_1"
until squeue -h -t CANCELLED -j "${job}_1" 2>/dev/null | grep -q . || ! squeue -h -t RUNNING -j "${job}_1" | grep -q .; do
    sleep 0.5
done
test ! -e parts/shard_1_of_$shards/scores.csv
echo "shard 1 was ended by scancel with $before cases begun or done; into the queue again"
scontrol requeue "${job}_1"
until test -s merge.log && ! squeue -h | grep -q .; do sleep 2; done
cat merge.log
grep -h "into the queue again" shard_3.log
test "$(grep -c 'into the queue again' shard_3.log)" = 2
"$here/same_tables.sh" joined whole
cmp joined/cohort.json whole/cohort.json
