"""Previews without a build: the plan of a build, the verdict of rules on a text, the text of a page, the speed of this machine."""
