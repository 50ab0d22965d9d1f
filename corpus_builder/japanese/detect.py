"""How Japanese a text is, by the letters it is made of."""

from __future__ import annotations

import re

# ours: characters looked at; the whole text of all but the longest pages
MAX_CHARS = 50_000
