"""What tests share: small inputs, places, and how results are looked at."""
