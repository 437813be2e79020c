"""Signing in: the throttle of guesses, sessions that end, passwords, single sign-on by OpenID Connect."""
