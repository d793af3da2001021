"""The paper's figures, one module each: from tidy rows, or from volumes, to a matplotlib figure."""
