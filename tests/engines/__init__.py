"""Tests of `modelwright.engines`."""
