"""The lesions: bleeds, infarcts, cysts, fractures, and their mass effect."""
