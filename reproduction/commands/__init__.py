"""The commands of `head-ct-anomaly` that only reproduce the paper."""
