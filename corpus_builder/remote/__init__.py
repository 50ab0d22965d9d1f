"""Remote files at https:// and s3://: read in ranges, with retries, without a copy on disk."""
