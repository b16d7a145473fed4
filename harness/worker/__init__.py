"""What a worker does with a trial. Nothing here knows Ray or MLflow."""
