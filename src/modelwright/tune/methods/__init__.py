"""Tuning methods: one file each."""
