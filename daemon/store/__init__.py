"""The store: one thread owns SQLite; all SQL lives here."""
