"""Stage 5: a release becomes an export, or a service that answers."""
