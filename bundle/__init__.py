"""The MONAI bundle `head_ct_position_anomaly`, installed as a package; the code is in `scripts`."""
