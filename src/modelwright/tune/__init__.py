"""Stage 4: a model and examples become an adapter."""
