"""Model versions: which there are, which is active, and what another would change."""
