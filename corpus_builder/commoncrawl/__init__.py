"""Only the records that are wanted, out of a crawl of petabytes: picked in its columnar index, fetched in byte ranges."""
