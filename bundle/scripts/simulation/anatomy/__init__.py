"""The anatomy: label maps of heads, their labels, and the space that they share."""
