"""The command line: one file per command, named after it, and what commands share: options, inputs and output.

Torch and MLflow take seconds to import. So the file of a command imports at its top only what is quick, and a
function imports the slow modules that it uses: help and mistakes in options are answered at once.
"""
