"""Measures of quality, and the rules that compare them with limits."""
