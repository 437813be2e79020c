"""Work in the background, by noun. Tasks take ids by keyword and are safe to receive twice."""
