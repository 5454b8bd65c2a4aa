"""HOW the data move: settings, connectors, formats, engines, the lake, the journal, the steps and the portals.

All I/O is here. No Dagster, no command line.
"""
