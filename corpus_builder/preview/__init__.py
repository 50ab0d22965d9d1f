"""What would happen, before it does: the plan of a build, the judgement on a text, the text that a page gives."""
