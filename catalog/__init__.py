"""WHAT is a dataset: contracts, evidence types, the expression vocabulary and catalog mappings.

Pure: no I/O but reading the city folder. Imports nothing of ours.
"""
