"""What stands on disk: datasets with receipts and manifests, the exchange between steps, names, and whose a directory is."""
