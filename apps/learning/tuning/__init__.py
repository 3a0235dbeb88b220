"""Self-tuning: the parameters of retrieval that this installation's own log proves best."""
