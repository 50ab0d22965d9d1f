"""One client for every OpenAI-compatible endpoint: requests, answers kept and replayed, cost and budget."""
