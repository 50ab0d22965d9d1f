"""The commands that choose what is worth reading: sample, label, train, evaluate, and what another rule would do."""
