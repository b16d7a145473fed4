"""How figures look, and the parts that several of them share."""
