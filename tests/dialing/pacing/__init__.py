"""Tests of the pacers."""
