"""The data set CQ500: names, reads, series, cases, split."""
