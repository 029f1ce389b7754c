"""A user's look at the fleet that touches nothing: the plan as a table, the images as a graph."""
