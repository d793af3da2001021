"""From predicted positions to an anomaly map, calibrated by place, and to scores of regions."""
