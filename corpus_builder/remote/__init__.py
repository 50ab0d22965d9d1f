"""Files that lie elsewhere: https:// and s3://, read in ranges, with patience, without a copy on disk."""
