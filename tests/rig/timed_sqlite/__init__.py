"""SQLite as the embedded installation uses it, and a line for each time the write lock was waited for and held."""
