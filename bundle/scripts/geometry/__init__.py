"""Coordinates, affines, boxes, averages and resampling of volumes."""
