"""Training of the networks: simulated heads, patches, loss, metrics, checkpoints."""
