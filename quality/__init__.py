"""IS it good: contract → check specs → SQL predicates and Great Expectations → verdict and score. Never executes queries."""
