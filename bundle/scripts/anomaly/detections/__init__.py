"""Detections in the brain: places above a threshold, the lesion in each, its size, its name."""
