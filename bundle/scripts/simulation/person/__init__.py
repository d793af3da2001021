"""The person: shape, tissue, texture and age of a simulated head."""
