"""Building blocks of the models: capsules, routing, the layers of the ladder network, losses."""
