"""MAY it leave: the negative list, recognisers, screening, treatments, tiers. Builds expressions and judges; never executes."""
