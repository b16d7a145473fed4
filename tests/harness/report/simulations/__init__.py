"""Runs made up at random, of which the truth is known: how often the report's procedures are right about them.

Everything is drawn anew in each of them: the seeds' models, the images, the rounds and the order in them.
"""
