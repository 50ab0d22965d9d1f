"""What happened to every page: funnel, histograms, why."""
