"""Tests of `modelwright.prepare`."""
