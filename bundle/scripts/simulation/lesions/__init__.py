"""The lesions: bleeds, infarcts, cysts, fractures, and what they push aside."""
