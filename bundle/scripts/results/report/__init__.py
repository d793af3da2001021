"""The report of a result: a page that opens without a server or a network, and one sheet as PDF."""
