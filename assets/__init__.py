"""WHEN, and as which asset: Dagster definitions from the contracts. No logic of its own."""
