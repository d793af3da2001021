"""The code that the configs of this bundle name; see each module's docstring for its words and its layer."""
