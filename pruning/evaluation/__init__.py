"""How good and how fast a model is: perplexity, divergence, zero-shot tasks, tokens per second."""
