"""Engines that answer: one file each."""
