"""A living index of documents without their texts, to hold later crawls against."""
