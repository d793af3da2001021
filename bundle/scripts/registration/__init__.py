"""From a volume to its pose in reference space: locator, search, refinement by ITK, and the checks of the pose."""
