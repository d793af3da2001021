"""Networks that predict positions, and how they are run over a volume: patches, tiles, precision, export."""
