"""Output for people: free of secrets, harmless on a terminal, with progress bars."""
