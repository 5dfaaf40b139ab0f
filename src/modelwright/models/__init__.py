"""Model families, and asking a model."""
