"""What measures: speed and quality beside other tools, on the same input in the same run.   python -m benchmarks --help"""
