"""Where candidates come from: one source per way of finding contents for a viewer."""
