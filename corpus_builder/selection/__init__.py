"""The classifier loop over a build: sample, label, train, evaluate; and what another rule would do."""
