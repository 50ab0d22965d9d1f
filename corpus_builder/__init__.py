"""Build a Japanese web corpus from Common Crawl WARCs, in the style of the Swallow corpus."""
