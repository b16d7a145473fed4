"""The command line: one file a command, named after it; parts beside it have the command's name in front.

What imports torch, MLflow or pandas takes seconds. The file of a command imports at its top only what is quick; a
function imports first thing the slow rooms that it works with. So help and mistakes in options are answered at once.
"""
