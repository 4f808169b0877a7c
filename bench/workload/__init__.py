"""What is measured: the models, and the texts for them."""
