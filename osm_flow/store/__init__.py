"""Keeping data: the tables, the session with its one commit, the migrations."""
