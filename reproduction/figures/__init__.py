"""The figures of the paper, by matplotlib."""
