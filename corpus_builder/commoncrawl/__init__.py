"""Selected records out of a crawl of petabytes: found through its columnar index, and fetched in byte ranges."""
