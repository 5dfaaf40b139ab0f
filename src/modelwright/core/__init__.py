"""Machinery that knows no stage: options, plugins, identity, storage, errors."""
