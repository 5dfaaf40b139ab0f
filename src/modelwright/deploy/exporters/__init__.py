"""Formats to export to: one file each."""
