"""The unrolled skull: lines, dents and holes of the calvaria, on the scan's own grid, without a network."""
