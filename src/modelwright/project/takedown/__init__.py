"""Erasure: what a takedown touches, its execution in phases that can be repeated, and its certificate."""
