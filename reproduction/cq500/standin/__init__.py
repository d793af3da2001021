"""A simulated data set in the form of CQ500."""
