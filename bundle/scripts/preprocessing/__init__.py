"""Foreground mask, intensity windows and regions of a registered volume."""
