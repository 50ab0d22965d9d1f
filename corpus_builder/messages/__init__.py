"""What people are shown: without secrets, harmless on a terminal, and how far the work has come."""
