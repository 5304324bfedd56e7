"""Everything a user sees, through the command line, on real files."""
