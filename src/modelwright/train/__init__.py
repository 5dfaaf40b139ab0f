"""Stage 2: tokens to a model."""
