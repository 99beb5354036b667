"""The `tf-salience` command: its arguments, its subcommands, its errors and exit codes."""
