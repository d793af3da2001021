"""Statistics of scores: AUROC, ROC curves, intervals, tests."""
