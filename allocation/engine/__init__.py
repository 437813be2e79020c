"""Pure arithmetic: facts in, findings out."""
