"""The distances between predictions of the dense network, apart from it, so that a command's help needs no PyTorch."""

STRIDES = (1, 2, 4)
"""Steps between outputs, in voxels (1 mm), at which `DensePositionNet` can be evaluated."""
