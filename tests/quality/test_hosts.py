"""Hosts are found in any URL, and lists match as their documentation says."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_builder.errors import InputError
from corpus_builder.quality.hosts import UT1_V1_CATEGORIES, HostList, host_of, registered_domain
from corpus_builder.stages.host_counts import Counting


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.example.jp/a?b#c", "www.example.jp"),
        ("http://WWW.Example.JP:8080", "www.example.jp"),
        ("https://user:pass@example.jp./", "example.jp"),
        ("http://[::1]/", "::1"),
        ("http://日本語.jp/", "日本語.jp"),
        ("http://[broken", ""),
        ("dns:example.jp", ""),
        ("", ""),
    ],
)
def test_hosts_of_urls(url, host):
    assert host_of(url) == host


@given(st.text())
def test_any_text_has_a_host_or_none(text):
    assert isinstance(host_of(text), str)
    assert isinstance(HostList(frozenset({"a.example"}), frozenset({"b.example/x"}), (".c",)).match("http://" + text), str | None)


LIST = "# comment\nbad.example\nhttps://www.Path.example/shop/ # a part\nport.example:80\n\n"


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://bad.example/x", "bad.example"),
        ("http://a.b.bad.example/", "bad.example"),
        ("http://notbad.example/", None),
        ("http://www.path.example/shop/1", "www.path.example/shop"),
        ("http://www.path.example/shopping", None),
        ("http://www.path.example/", None),
        ("http://port.example/", "port.example"),
        ("nowhere", None),
    ],
)
def test_lists_match_hosts_above_and_parts_of_urls(tmp_path, url, entry):
    (tmp_path / "hosts.txt").write_text(LIST)
    hosts = HostList.read([tmp_path / "hosts.txt"])
    assert hosts.match(url) == entry
    assert hosts.match_hosts([url]) == [entry]


def test_exact_lists_match_whole_hosts_alone(tmp_path):
    (tmp_path / "hosts.txt").write_text(LIST)
    hosts = HostList.read([tmp_path / "hosts.txt"], exact=True)
    assert hosts.match("http://bad.example/x") == "bad.example"
    assert hosts.match("http://a.bad.example/x") is None
    assert hosts.match("http://www.path.example/shop/1") is None


def test_suffixes_match_as_strings():
    hosts = HostList(suffixes=(".5ch.net", "wikipedia.org"))
    assert hosts.match("https://hayabusa9.5ch.net/test") == ".5ch.net"
    assert hosts.match("https://5ch.net/") is None
    assert hosts.match("https://ja.wikipedia.org/wiki/x") == "wikipedia.org"


@pytest.fixture
def ut1(tmp_path):
    for name, kind in (("adult", "black"), ("shopping", "black"), ("blog", "black"), ("games", "white")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "domains").write_text(f"{name}.example\n")
        with (tmp_path / "global_usage").open("a") as usage:
            usage.write(f"NAME: {name}\nDEFAULT_TYPE: {kind}\nSOURCE: x\n\n")
    (tmp_path / "adult" / "urls").write_text("portal.example/adult\n")
    return tmp_path


def test_ut1_gives_the_black_categories_of_v1(ut1):
    hosts = HostList.read_ut1(ut1, UT1_V1_CATEGORIES, exact=True)
    assert hosts.hosts == {"adult.example", "shopping.example"}  # blog is allowed, games is not black here
    assert hosts.urls == {"portal.example/adult"}
    assert len(UT1_V1_CATEGORIES) == len(set(UT1_V1_CATEGORIES)) == 28


def test_lists_that_cannot_be_used_are_sentences(tmp_path, ut1):
    (packed := tmp_path / "domains.gz").write_bytes(gzip.compress(b"spam.example\n", mtime=0))
    with pytest.raises(InputError, match=r"^The host list .*domains.gz is not text; decompress it"):
        HostList.read([packed])
    with pytest.raises(InputError, match="cannot be read"):
        HostList.read([tmp_path / "nothing.txt"])
    with pytest.raises(InputError, match="no directory"):
        HostList.read_ut1(tmp_path / "nothing", UT1_V1_CATEGORIES)
    with pytest.raises(InputError, match="none of the UT1 categories"):
        HostList.read_ut1(ut1, ["gambling"])


def test_the_digest_follows_the_entries():
    one, same, other = (HostList(frozenset(names)) for names in (("a", "b"), ("b", "a"), ("a",)))
    assert one.digest == same.digest != other.digest != HostList(frozenset("a"), exact=True).digest


def test_an_entry_of_one_directory_matches_what_lies_in_it_alone():
    blogs = HostList(urls=frozenset({"b.example/ads"}))
    urls = [
        "https://b.example/ads",
        "https://www.b.example/ads/1",
        "https://b.example/",
        "https://b.example/adsense",
        "https://c.example/ads",
    ]
    assert blogs.match_hosts(urls) == ["b.example/ads", "b.example/ads", None, None, None]


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://shop.example.co.jp/", None),
        ("https://co.jp/", "co.jp"),
        ("https://me.github.io/", None),
        ("https://www.bad.co.jp/", "bad.co.jp"),
        ("https://a.you.github.io/", "you.github.io"),
        ("https://page.blogspot.com/", None),
        ("https://x.kawasaki.jp/", None),
    ],
)
def test_a_public_suffix_in_a_list_drops_nothing_below_it(tmp_path, caplog, url, entry):
    (tmp_path / "hosts.txt").write_text("co.jp\ngithub.io\nbad.co.jp\nyou.github.io\nblogspot.com\n")
    hosts = HostList.read([tmp_path / "hosts.txt"])
    assert hosts.match(url) == entry
    assert "blogspot.com, co.jp, github.io are public suffixes in " in caplog.text
    assert 'host_suffixes = [".blogspot.com", ".co.jp", ".github.io"]' in caplog.text


def test_exact_lists_and_lists_without_suffixes_say_nothing(tmp_path, caplog):
    (tmp_path / "hosts.txt").write_text("co.jp\n")
    assert HostList.read([tmp_path / "hosts.txt"], exact=True).match("https://co.jp/") == "co.jp"
    (tmp_path / "hosts.txt").write_text("bad.co.jp\n")
    HostList.read([tmp_path / "hosts.txt"])
    assert caplog.text == ""


def test_another_list_of_public_suffixes_judges_again_where_it_counts(monkeypatch):
    def digests() -> list[object]:
        lists = [HostList(frozenset({"a.example"})), HostList(frozenset({"a.example"}), exact=True), HostList(suffixes=(".a",))]
        return [*(one.digest for one in lists), *(Counting((), (), by).settings([]) for by in ("domain", "host"))]

    before = digests()
    for module in ("quality.hosts", "stages.host_counts"):
        monkeypatch.setattr(f"corpus_builder.{module}.suffixes_digest", lambda: "of another release")
    assert [old == new for old, new in zip(before, digests(), strict=True)] == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.shop.example.co.jp", "example.co.jp"),
        ("example.co.jp", "example.co.jp"),
        ("co.jp", ""),
        ("a.b.github.io", "b.github.io"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),
        ("日本語.jp", "日本語.jp"),
        ("192.0.2.7", ""),
        ("2001:db8::7", ""),
        ("localhost", ""),
        ("", ""),
    ],
)
def test_registered_domains(host, domain):
    assert registered_domain(host) == domain


@given(st.text(max_size=30))
def test_any_text_has_a_registered_domain_or_none(host):
    assert host.lower().endswith(registered_domain(host).lower())
