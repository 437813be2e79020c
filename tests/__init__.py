"""Tests mirror the modules; journeys go from edge to edge with real processes."""
