"""Reproduces the paper: CQ500 and its stand-in, the sweep of trainings, tables and figures."""
