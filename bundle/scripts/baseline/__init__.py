"""The baseline of the paper: an autoencoder, its reconstruction residual and the filters of it."""
