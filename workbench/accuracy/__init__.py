"""How exactly a simulated pump delivers: trumpet curves over long windows, and boluses, beside one stroke."""
