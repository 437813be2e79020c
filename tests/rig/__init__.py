"""The test rig: finds or installs, starts and stops the real programs that tests need.

`python -m tests.rig full [pytest arguments]` is `make test`. Order for each program: an address that is given →
the system's binaries → Debian's package when root → one sentence that says what to install.
"""
