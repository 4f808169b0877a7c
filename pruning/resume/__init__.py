"""What an interrupted run leaves, and how it is found again."""
