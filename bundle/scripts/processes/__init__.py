"""Processes: worker pools, Ray, memory, stopping."""
