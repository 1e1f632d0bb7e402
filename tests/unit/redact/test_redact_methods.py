"""Facts about each redaction method: what it accepts, refuses and leaves."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest

from broker.keys import RecipientKey, recipient_key
from broker.model.incident import Shape
from broker.redact.methods import METHODS, OptionError, method_of
from broker.redact.methods.mask import MASK
from tests.unit import given

KEY = given.key()
ACCEPTED = {
    "keep": set(Shape),
    "age_band": {"text"},
    "amount_band": {"amount"},
    "coarsen_place": {"text"},
    "coarsen_time": {"time"},
    "count_only": {"text", "name", "phone", "account", "email", "url"},
    "domain_only": {"email", "url"},
    "drop": set(Shape),
    "mask": {"text", "name", "phone", "account", "email", "url"},
    "pseudonym": {"name", "text", "email", "domain", "account", "phone"},
    "pseudonym_ip": {"ip"},
    "scrub_text": {"text", "url"},
    "truncate_ip": {"ip"},
    "url_origin": {"url"},
}


def _apply(name: str, value: Any, **options: Any) -> Any:
    return method_of(name, options).apply(value, KEY)


def test_methods_accept_only_their_shapes() -> None:
    """Each method accepts the shapes that it can make less telling, and no other."""
    assert ACCEPTED == {name: set(made.accepts) for name, made in METHODS.items()}


RETURNED = {
    "age_band": "text",
    "amount_band": "text",
    "coarsen_place": "text",
    "count_only": "text",
    "domain_only": "domain",
    "mask": "text",
    "pseudonym": "name",
    "pseudonym_ip": "name",
}


def test_methods_return_one_shape_or_that_of_the_value() -> None:
    """What a method leaves has the shape that it declares; else the value's own."""
    assert RETURNED == {
        name: str(made.returns)
        for name, made in METHODS.items()
        if made.returns is not None
    }


@pytest.mark.parametrize("name", METHODS)
def test_a_changed_kind_is_one_of_the_returned_shape(name: str) -> None:
    """The kind that an observable has afterwards has, in the mapping, that shape."""
    method = METHODS[name]
    for kind in given.kinds().values():
        if kind.shape in method.accepts:
            after = given.kinds()[method_of(name, {}).kind_after(kind.kind, kind.shape)]

            assert (method.returns or kind.shape) == after.shape


@pytest.mark.parametrize("name", METHODS)
def test_method_knows_its_name(name: str) -> None:
    """A method is called in profiles as it calls itself."""
    assert name == METHODS[name].name


@pytest.mark.parametrize("name", METHODS)
def test_unknown_option_is_refused(name: str) -> None:
    """An option that a method does not have is refused by its name."""
    with pytest.raises(OptionError, match=f"{name} takes no option 'tail'"):
        method_of(name, {"tail": 4})


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("coarsen_time", {"to": "year"}, "to: must be one of hour, day, month"),
        ("coarsen_place", {"to": "street"}, "to: must be one of municipality, region"),
        (
            "age_band",
            {"bounds": [18, 131]},
            "bounds: must be ages from 1 to 130 that grow",
        ),
        (
            "age_band",
            {"bounds": [18, 14]},
            "bounds: must be ages from 1 to 130 that grow",
        ),
        (
            "amount_band",
            {"bounds": []},
            "bounds: must be whole numbers above 0 that grow",
        ),
        (
            "amount_band",
            {"bounds": [0, 5]},
            "bounds: must be whole numbers above 0 that grow",
        ),
        (
            "amount_band",
            {"bounds": "1000"},
            "bounds: must be whole numbers above 0 that grow",
        ),
        ("truncate_ip", {"v4": 7}, "v4: must be a number from 8 to 31"),
        ("truncate_ip", {"v4": 32}, "v4: must be a number from 8 to 31"),
        ("truncate_ip", {"v4": True}, "v4: must be a number from 8 to 31"),
        ("truncate_ip", {"v4": "24"}, "v4: must be a number from 8 to 31"),
        ("truncate_ip", {"v6": 15}, "v6: must be a number from 16 to 127"),
        ("truncate_ip", {"v6": 128}, "v6: must be a number from 16 to 127"),
    ],
    ids=str,
)
def test_option_out_of_range_is_refused(
    name: str, options: dict[str, Any], expected: str
) -> None:
    """An option outside its range is refused, with the range."""
    with pytest.raises(OptionError) as caught:
        method_of(name, options)

    assert expected == str(caught.value)


def test_options_are_not_used_up() -> None:
    """Making a method leaves the profile's options as they were."""
    options = {"to": "hour"}

    method_of("coarsen_time", options)

    assert {"to": "hour"} == options


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("hour", "2026-11-20T23:00:00Z"),
        ("day", "2026-11-20T00:00:00Z"),
        ("month", "2026-11-01T00:00:00Z"),
    ],
)
def test_time_is_cut(to: str, expected: str) -> None:
    """A time becomes the start of its hour, day or month."""
    assert expected == _apply("coarsen_time", "2026-11-20T23:59:59Z", to=to)


def test_time_is_cut_to_the_day_when_nothing_is_said() -> None:
    """Without an option a time is cut to its day."""
    assert "2026-11-20T00:00:00Z" == _apply("coarsen_time", "2026-11-20T23:59:59Z")


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        ("198.51.100.201", {}, "198.51.100.0/24"),
        ("198.51.100.201", {"v4": 31}, "198.51.100.200/31"),
        ("198.51.100.201", {"v4": 8}, "198.0.0.0/8"),
        ("198.51.100.128/25", {}, "198.51.100.0/24"),
        ("198.51.100.0/24", {}, "198.51.100.0/24"),
        ("198.51.0.0/16", {}, "198.51.0.0/16"),
        ("0.0.0.0/0", {}, "0.0.0.0/0"),
        ("255.255.255.255", {}, "255.255.255.0/24"),
        ("2001:db8:77:aa::19", {}, "2001:db8:77::/48"),
        ("2001:db8:77:aa::19", {"v6": 64}, "2001:db8:77:aa::/64"),
        ("2001:db8::/32", {}, "2001:db8::/32"),
        ("::ffff:192.0.2.7", {}, "::/48"),
        ("fe80::1%eth0", {}, "fe80::/48"),
        ("not an address", {}, None),
        ("198.51.100.300", {}, None),
        ("198.51.100.201:443", {}, None),
    ],
    ids=str,
)
def test_address_is_cut(
    value: str, options: dict[str, int], expected: str | None
) -> None:
    """An address becomes its network; a wider network stays; anything else goes."""
    assert expected == _apply("truncate_ip", value, **options)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("arta@posta.example", "posta.example"),
        ("Arta@POSTA.Example", "posta.example"),
        ("arta+bank/x@posta.example", "posta.example"),
        ('"a@b c"@posta.example', "posta.example"),
        ("arta@mail.posta.example", "mail.posta.example"),
        ("@posta.example", None),
        ("arta", None),
        ("arta@", None),
        ("arta@localhost", None),
        ("arta@192.0.2.7", None),
        ("arta@[192.0.2.7]", None),
        ("arta@posta.example (Arta Krasniqi)", None),
        ("arta@пошта.example", None),
    ],
    ids=str,
)
def test_mailbox_is_cut_to_its_domain(value: str, expected: str | None) -> None:
    """Of a mailbox only a plain domain is left, and otherwise nothing."""
    assert expected == _apply("domain_only", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://hyrja.example/konto?t=9f3a#top", "hyrja.example"),
        ("https://arta:pass@hyrja.example:8443/", "hyrja.example"),
        ("https://a@b:c@hyrja.example/", "hyrja.example"),
        ("HTTPS://HYRJA.EXAMPLE", "hyrja.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://_dmarc.hyrja.example/", "_dmarc.hyrja.example"),
        ("https://hyrja.example/path/arta@posta.example", "hyrja.example"),
        ("https://192.0.2.7/", None),
        ("https://192.0.2.7:8080/a", None),
        ("https://[2001:db8::7]/", None),
        ("https://[bad/", None),
        ("https://localhost/", None),
        ("https://bücher.example/", None),
        ("file:///home/arta", None),
    ],
    ids=str,
)
def test_url_is_cut_to_its_domain(value: str, expected: str | None) -> None:
    """Of a URL only the host is left, without user, port, path and query."""
    assert expected == _apply("domain_only", value)


@pytest.mark.parametrize(
    "host", ["0x7f.0.0.1", "192.168.1", "10.1", "0300.0250.0.1", "1.2.3.0x4"]
)
def test_address_in_disguise_is_no_domain(host: str) -> None:
    """What programs read as an IPv4 address is withheld, however it is written."""
    assert None is _apply("domain_only", f"https://{host}/konto")
    assert None is _apply("domain_only", f"arta@{host}")


def test_masks_are_all_alike() -> None:
    """A mask tells neither the length of a value nor two values apart."""
    assert {MASK} == {_apply("mask", value) for value in ("a", "b" * 50, "ë")}


def test_pseudonym_is_the_same_across_case_and_blanks() -> None:
    """Case and blanks at the ends do not make another pseudonym."""
    spelt = ["Arta Krasniqi", "ARTA KRASNIQI", " arta krasniqi\n", "arta kraSNIQI"]

    assert 1 == len({_apply("pseudonym", value) for value in spelt})


def test_pseudonyms_tell_values_apart() -> None:
    """Different values have different pseudonyms, even where only one sign differs."""
    values = ["arta@a.example", "arta@b.example", "artaa.example", "arta @a.example"]

    assert len(values) == len({_apply("pseudonym", value) for value in values})


def test_pseudonyms_of_recipients_cannot_be_joined() -> None:
    """The same value has another pseudonym at each recipient and in each epoch."""
    method = method_of("pseudonym", {})
    keys = [
        recipient_key(given.MASTER, "kp-misp"),
        recipient_key(given.MASTER, "fiu-misp"),
        recipient_key(given.MASTER, "kp-misp", epoch=2),
    ]

    assert 3 == len({method.apply("Arta Krasniqi", key) for key in keys})


def test_pseudonym_is_stable() -> None:
    """A pseudonym stays the same from one version of the program to the next."""
    key = recipient_key(b"k" * 32, "r")

    made = method_of("pseudonym", {}).apply("Arta", key)

    assert "p-g6hfbua6q3nddk4w" == made


@pytest.mark.parametrize("length", [1, 32, 63, 64, 65, 200])
def test_pseudonym_is_an_hmac(length: int) -> None:
    """It is the start of HMAC-SHA-256 in base32, however long the key is."""
    key = RecipientKey(b"k" * length, b"n" * 16, 1)

    made = method_of("pseudonym", {}).apply("Arta", key)

    digest = hmac.digest(key.pseudonyms, b"arta", "sha256")
    assert f"p-{base64.b32encode(digest[:10]).decode().lower()}" == made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("keep", "url"),
        ("domain_only", "domain"),
        ("mask", "text"),
        ("pseudonym", "pseudonym"),
        ("pseudonym_ip", "pseudonym"),
        ("count_only", "text"),
        ("coarsen_place", "text"),
        ("age_band", "text"),
        ("url_origin", "url"),
        ("scrub_text", "url"),
        ("drop", "url"),
    ],
)
def test_kind_follows_the_value(name: str, expected: str) -> None:
    """An observable takes the kind that its redacted value has."""
    assert expected == method_of(name, {}).kind_after("url", Shape.URL)


def test_network_stays_an_address() -> None:
    """A truncated address is of the kind that it was."""
    assert "ipv6" == method_of("truncate_ip", {}).kind_after("ipv6", Shape.IP)
