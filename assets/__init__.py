"""WHEN a dataset moves, and as which asset: Dagster's view of the city, derived from contracts and journal.

One Dagster noun a module, put together in build.py. Nothing here does or judges anything: pipelines/conduct.py does, the
journal knows. Only this package imports dagster.
"""
