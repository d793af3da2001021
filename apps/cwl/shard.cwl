# One shard of a cohort, into a folder of its own. Exit codes 4 (no room) and 137 (killed) are worth another try. With 5
# a scan failed, which the shard's table says; or the program, and then `merge` finds that the shard is not complete.
cwlVersion: v1.2
class: CommandLineTool
label: score one shard of a cohort of head CT
baseCommand: [head-ct-anomaly, cohort]
hints: # for two workers; `cwl:requirements` in the job file can say otherwise
  ResourceRequirement:
    coresMin: 2
    ramMin: 10000
inputs:
  scans:
    type: Directory
    doc: the folder of scans, one an entry; or that of the list and the scans that it names
  list:
    type: string
    default: ""
    doc: name of the list in the folder; if it is empty, every scan of the folder is a case
  shard:
    type: string
    inputBinding: {prefix: --shard}
    doc: which part, 3/200 say
  stride:
    type: int?
    inputBinding: {prefix: --stride}
  scores_only:
    type: boolean
    default: false
    inputBinding: {prefix: --scores-only}
    doc: result.json alone, no maps and pictures
  workers:
    type: int
    default: 2
    inputBinding: {prefix: --workers}
    doc: processes of this shard, 3 to 4 GB each
arguments:
  - position: -1
    valueFrom: $(inputs.scans.path)/$(inputs.list)
  - {prefix: -o, valueFrom: .}
outputs:
  folder:
    type: Directory?
    outputBinding: {glob: shard_*}
    doc: what was killed before it began has none, which shall not count as another failure
successCodes: [0, 5]
temporaryFailCodes: [4, 137]
permanentFailCodes: [2, 3]
