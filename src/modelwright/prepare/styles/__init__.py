"""What may stand in place of a finding: one file a style."""
