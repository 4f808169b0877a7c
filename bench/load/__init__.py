"""`make load`: how many jobs, workers and connections the service carries."""
