"""What is measured side by side: ``python -m benchmarks`` (``make bench``). How to read it: ``docs/benchmarks.md``."""
