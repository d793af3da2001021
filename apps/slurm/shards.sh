#!/usr/bin/env bash
#SBATCH --job-name=head-ct-anomaly
#SBATCH --cpus-per-task=2
#SBATCH --mem=10G
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=shard_%a.log
# One shard of a cohort in each task of an array that counts from 1; later arguments are options of `cohort`:
#   sbatch --array=1-200 apps/slurm/shards.sh LIST OUT 200 [OPTION...]
# What a shard has finished stays, so a task that is tried again goes on where it was.
set -uo pipefail
list=${1:?name the list, or the folder of scans} out=${2:?name the folder of the shards} count=${3:?say how many shards}
shift 3
most_restarts=5

head-ct-anomaly cohort "$list" -o "$out" --shard "auto/$count" --workers "${SLURM_CPUS_PER_TASK:-1}" "$@"
status=$?
case $status in
4 | 137) # no room, or killed for want of memory: another node, or another hour, may have it
    if ((${SLURM_RESTART_COUNT:-0} < most_restarts)); then
        echo "exit code $status: shard $SLURM_ARRAY_TASK_ID of $count is put into the queue again" >&2
        scontrol requeue "$SLURM_JOB_ID"
    fi
    ;;
esac
exit "$status" # 5: a case, or the program, failed; 2: the arguments are wrong; 3: the input was refused
