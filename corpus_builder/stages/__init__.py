"""The stages of a build: what each reads, writes and depends on."""
