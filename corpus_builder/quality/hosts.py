"""The host of a URL, and lists of hosts and URLs whose pages are dropped."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from publicsuffixlist import PSLFILE, PublicSuffixList

from corpus_builder.errors import InputError

log = logging.getLogger(__name__)

UT1_V1_CATEGORIES = (
    "adult", "agressif", "bitcoin", "celebrity", "chat", "cryptojacking", "custom", "dating", "ddos", "doh", "filehosting",
    "financial", "gambling", "games", "malware", "manga", "mixed_adult", "phishing", "publicite", "redirector", "remote-control",
    "shopping", "social_networks", "strict_redirector", "strong_redirector", "vpn", "warez", "webmail",
)  # fmt: skip
"""The UT1 categories that Swallow corpus v1 rejects; a category is used only if UT1's `global_usage` marks it as black."""


def host_of(url: str) -> str:
    """A URL's host in lower case, without port, user and trailing dot; "" if there is none.

    >>> host_of("https://User@WWW.Example.JP.:8080/a"), host_of("no url")
    ('www.example.jp', '')
    """
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def registered_domain(host: str) -> str:
    """The part of a host that somebody registered: the public suffix (`co.jp`, `github.io`) and one label more; "" if there is none.

    Source: the Public Suffix List, publicsuffix.org, as in the package publicsuffixlist, with its section of private domains.

    >>> [registered_domain(host) for host in ("www.shop.example.co.jp", "me.github.io", "co.jp", "127.0.0.1", "localhost")]
    ['example.co.jp', 'me.github.io', '', '', '']
    """
    if host.rpartition(".")[2].isdigit() or ":" in host:  # an address
        return ""
    return _suffixes().privatesuffix(host) or ""


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=1)
def suffixes_digest() -> str:
    """Digest of the Public Suffix List, which each release of its package changes."""
    return hashlib.sha256(Path(PSLFILE).read_bytes()).hexdigest()[:32]


@lru_cache(maxsize=1 << 16)
def is_public_suffix(name: str) -> bool:
    """Whether anybody may register names below this one.

    >>> [is_public_suffix(name) for name in ("co.jp", "github.io", "example.co.jp")]
    [True, True, False]
    """
    return bool(_suffixes().is_public(name))


def _public_among(hosts: frozenset[str]) -> list[str]:
    """The public suffixes among many names, in order; looks up the few of the list, not the many names."""
    lines = (line.strip() for line in Path(PSLFILE).read_text(encoding="utf-8").splitlines())
    return sorted({line for line in lines if line in hosts})


@dataclass(frozen=True)
class HostList:
    """Hosts, host suffixes and URL prefixes.

    An entry matches its host and all subdomains (`b.example` matches `a.b.example`), but a public suffix, such as `co.jp` or `github.io`, only
    that host itself; with `exact` every entry matches only the whole host, as in Swallow corpus v1, and URL prefixes never match.  A suffix matches as a string: `.5ch.net`, or
    `wikipedia.org`, which also matches `notwikipedia.org`.

    >>> HostList(hosts=frozenset({"b.example"})).match("https://a.b.example/x")
    'b.example'
    """

    hosts: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()  # without scheme: host/path
    suffixes: tuple[str, ...] = ()
    exact: bool = False

    @classmethod
    def read(cls, paths: Sequence[Path], exact: bool = False, suffixes: Sequence[str] = ()) -> HostList:
        """Read lists with one host, or host/path, per line; a `#` begins a comment.  Raises InputError for a file that cannot be read."""
        hosts, urls = _entries(line for path in paths for line in _lines(path))
        if not exact and (public := _public_among(hosts)):
            log.warning(
                "%s %s in %s: anybody may register hosts below, so only %s dropped; to drop all below, write host_suffixes = %s.",
                ", ".join(public[:5]) + (f" and {len(public) - 5} more" if len(public) > 5 else ""),
                "are public suffixes" if len(public) > 1 else "is a public suffix",
                ", ".join(map(str, paths[:3])) + (" and others" if len(paths) > 3 else ""),
                "these hosts themselves are" if len(public) > 1 else "the host itself is",
                json.dumps([f".{name}" for name in public[:5]]),
            )
        return cls(hosts, urls, tuple(suffixes), exact)

    @classmethod
    def read_ut1(cls, directory: Path, categories: Sequence[str], exact: bool = False) -> HostList:
        """Read UT1's lists as downloaded: DIRECTORY/<category>/domains and urls, and DIRECTORY/global_usage if it exists.

        Categories that are missing, or that global_usage does not mark as black, are left out; raises InputError if none is left.
        """
        if not directory.is_dir():
            raise InputError(f"There is no directory {directory} of UT1 lists; data/words/README.md says where to get them.")
        black = _black(directory / "global_usage")
        chosen = [name for name in categories if (directory / name).is_dir() and (black is None or name in black)]
        if not chosen:
            raise InputError(f"{directory} holds none of the UT1 categories {', '.join(categories)}.")
        files = [path for name in chosen for part in ("domains", "urls") if (path := directory / name / part).is_file()]
        return cls.read(files, exact)

    @property
    def digest(self) -> str:
        """Digest of the entries, independent of their order, and of the public suffixes, where these count."""
        how = str(self.exact) if self.exact or not self.hosts else f"up to the registered domain, {suffixes_digest()}"
        parts = [*sorted(self.hosts), "", *sorted(self.urls), "", *self.suffixes, "", how]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def match(self, url: str) -> str | None:
        """The entry that a URL matches, or None; a URL without a host matches nothing."""
        host = host_of(url)
        if not host:
            return None
        if self.exact:
            found: str | None = host if host in self.hosts else None
        else:
            listed = (name for name in _above(host) if name in self.hosts)
            found = next((name for name in listed if name == host or not is_public_suffix(name)), None)
            found = found or self._match_url(url, host)
        return found or next((suffix for suffix in self.suffixes if host.endswith(suffix)), None)

    def match_hosts(self, urls: Sequence[str]) -> list[str | None]:
        """The entry that each URL matches, or None."""
        return [self.match(url) for url in urls]

    def _match_url(self, url: str, host: str) -> str | None:
        if not self.urls:
            return None
        parts = [part for part in urlsplit(url).path.split("/") if part]
        bare = host.removeprefix("www.")
        prefixes = [f"{name}/{'/'.join(parts[:length])}" for name in {host, bare} for length in range(1, len(parts) + 1)]
        return next((prefix for prefix in sorted(prefixes) if prefix in self.urls), None)


def _above(host: str) -> list[str]:
    """A host and its parent domains, longest first."""
    labels = host.split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The host list {path} cannot be read ({error.strerror}).") from error
    if b"\0" in content:
        raise InputError(f"The host list {path} is not text; decompress it, or convert it to UTF-8.")
    return content.decode("utf-8", "surrogateescape").splitlines()


def _entries(lines: Any) -> tuple[frozenset[str], frozenset[str]]:
    hosts, urls = set(), set()
    for line in lines:
        entry = line.partition("#")[0].strip().removeprefix("http://").removeprefix("https://")
        host, slash, path = entry.partition("/")
        host = host.lower().strip(".").partition(":")[0]
        if host and slash and path.strip("/"):
            urls.add(f"{host}/{path.strip('/')}")
        elif host:
            hosts.add(host)
    return frozenset(hosts), frozenset(urls)


def _black(global_usage: Path) -> set[str] | None:
    """Categories whose DEFAULT_TYPE is black in UT1's description file; None if it is not there."""
    if not global_usage.is_file():
        return None
    black: set[str] = set()
    name = ""
    for line in _lines(global_usage):
        key, _, value = line.partition(":")
        if key.strip() == "NAME":
            name = value.strip()
        elif key.strip() == "DEFAULT_TYPE" and value.strip() == "black":
            black.add(name)
    return black
