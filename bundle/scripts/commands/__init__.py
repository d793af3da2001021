"""The command `head-ct-anomaly`: one module a subcommand; nothing imports these."""
