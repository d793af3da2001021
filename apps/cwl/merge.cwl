# One cohort of all its shards. The results of the cases stay in the shards' folders, to which it has links.
# With exit code 5 the cohort is there, and some of its scans failed.
cwlVersion: v1.2
class: CommandLineTool
label: join the shards of a cohort of head CT
baseCommand: [head-ct-anomaly, merge]
inputs:
  shards:
    type: Directory[]
    inputBinding: {}
arguments:
  - {prefix: -o, valueFrom: cohort}
outputs:
  scores:
    type: File
    outputBinding: {glob: cohort/scores.csv}
  details:
    type: File
    outputBinding: {glob: cohort/score_details.csv}
  facts:
    type: File
    outputBinding: {glob: cohort/cohort.json}
successCodes: [0, 5]
temporaryFailCodes: [4, 137]
permanentFailCodes: [2, 3]
