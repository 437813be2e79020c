"""Admin screens of the nouns."""
