"""Everything that ranks candidates: one protocol, one registry."""
