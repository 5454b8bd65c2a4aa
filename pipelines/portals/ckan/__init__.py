"""The city's portal as a CKAN: the client, the portal itself, loading of tables, and the one-time set-up.

What stands there is composed in catalog/ckan.py; the actions named `citylake_…` are those of our extension (portal/).
"""
