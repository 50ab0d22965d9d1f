"""Reports about a build: funnel, histograms, why a page was kept or dropped, differences, verification."""
