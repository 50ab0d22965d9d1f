"""Data on disk: datasets with receipts and manifests, the exchange between steps, file names, ownership of directories."""
