"""Facts in, findings out: import from the submodules."""
