"""What a method knows of the data: activation statistics and gradient norms of every linear layer."""
