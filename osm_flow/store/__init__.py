"""How things are kept: models by subject, the session and its one commit, migrations."""
