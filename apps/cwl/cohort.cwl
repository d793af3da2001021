# A cohort in shards, each scored by itself, and one table of them all.
cwlVersion: v1.2
class: Workflow
label: score a cohort of head CT in shards
requirements:
  ScatterFeatureRequirement: {}
inputs:
  scans: Directory
  list: {type: string, default: ""}
  shards: {type: "string[]", doc: "all of them: 1/3, 2/3, 3/3"}
  stride: int?
  scores_only: {type: boolean, default: false}
  workers: {type: int, default: 2}
steps:
  score:
    run: shard.cwl
    scatter: shard
    in:
      scans: scans
      list: list
      shard: shards
      stride: stride
      scores_only: scores_only
      workers: workers
    out: [folder]
  join:
    run: merge.cwl
    in:
      shards: {source: score/folder, pickValue: all_non_null}
    out: [scores, details, facts]
outputs:
  folders: {type: "Directory[]", outputSource: score/folder, pickValue: all_non_null}
  scores: {type: File, outputSource: join/scores}
  details: {type: File, outputSource: join/details}
  facts: {type: File, outputSource: join/facts}
