"""What models are built of: capsules, routing, the layers of the ladder, losses."""
