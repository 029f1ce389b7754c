"""Reports of a run, from the event log of the engine."""
