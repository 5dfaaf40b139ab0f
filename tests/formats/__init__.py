"""Tests of `modelwright.formats`."""
