"""Measures, and the rules that hold them against limits."""
