"""Benchmarks: speed and quality compared with other tools, on the same input in the same run.   python -m benchmarks --help"""
