"""A city's CKAN portal: what anonymous readers get is what the published page lists, and nothing else."""
