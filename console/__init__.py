"""WHO looks: the `citylake` command, dossiers, and the demo city's generator."""
