"""Pseudonyms of values and addresses: what they tell, to whom, and for how long."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.keys import RecipientKey, recipient_key
from broker.redact.methods import method_of
from broker.redact.methods.pseudonym import epoch_of, stands_for
from broker.redact.methods.pseudonym_ip import scrambled

MASTER = b"tests: the secret of nobody at all, for pseudonyms"
OTHER = b"tests: the secret of the second epoch, of nobody"
KEY = recipient_key(MASTER, "kp-misp")
# The key of the reference distribution's example.
REFERENCE = bytes(
    (
        *(21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16),
        *(216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2),
    )
)
# Its sample trace, as independent implementations publish it; of IPv6, pairs that the
# implementation in Go publishes, because the distribution has none.
VECTORS = [
    ("128.11.68.132", "135.242.180.132"),
    ("129.118.74.4", "134.136.186.123"),
    ("130.132.252.244", "133.68.164.234"),
    ("141.223.7.43", "141.167.8.160"),
    ("141.233.145.108", "141.129.237.235"),
    ("152.163.225.39", "151.140.114.167"),
    ("156.29.3.236", "147.225.12.42"),
    ("165.247.96.84", "162.9.99.234"),
    ("166.107.77.190", "160.132.178.185"),
    ("192.102.249.13", "252.138.62.131"),
    ("192.215.32.125", "252.43.47.189"),
    ("192.233.80.103", "252.25.108.8"),
    ("192.41.57.43", "252.222.221.184"),
    ("193.150.244.223", "253.169.52.216"),
    ("195.205.63.100", "255.186.223.5"),
    ("198.200.171.101", "249.199.68.213"),
    ("198.26.132.101", "249.36.123.202"),
    ("198.36.213.5", "249.7.21.132"),
    ("198.51.77.238", "249.18.186.254"),
    ("199.217.79.101", "248.38.184.213"),
    ("202.49.198.20", "245.206.7.234"),
    ("203.12.160.252", "244.248.163.4"),
    ("204.184.162.189", "243.192.77.90"),
    ("204.202.136.230", "243.178.4.198"),
    ("204.29.20.4", "243.33.20.123"),
    ("205.178.38.67", "242.108.198.51"),
    ("205.188.147.153", "242.96.16.101"),
    ("205.188.248.25", "242.96.88.27"),
    ("205.245.121.43", "242.21.121.163"),
    ("207.105.49.5", "241.118.205.138"),
    ("207.135.65.238", "241.202.129.222"),
    ("207.155.9.214", "241.220.250.22"),
    ("207.188.7.45", "241.255.249.220"),
    ("207.25.71.27", "241.33.119.156"),
    ("207.33.151.131", "241.1.233.131"),
    ("208.147.89.59", "227.237.98.191"),
    ("208.234.120.210", "227.154.67.17"),
    ("208.28.185.184", "227.39.94.90"),
    ("208.52.56.122", "227.8.63.165"),
    ("209.12.231.7", "226.243.167.8"),
    ("209.238.72.3", "226.6.119.243"),
    ("209.246.74.109", "226.22.124.76"),
    ("209.68.60.238", "226.184.220.233"),
    ("209.85.249.6", "226.170.70.6"),
    ("212.120.124.31", "228.135.163.231"),
    ("212.146.8.236", "228.19.4.234"),
    ("212.186.227.154", "228.59.98.98"),
    ("212.204.172.118", "228.71.195.169"),
    ("212.206.130.201", "228.69.242.193"),
    ("216.148.237.145", "235.84.194.111"),
    ("216.157.30.252", "235.89.31.26"),
    ("216.184.159.48", "235.96.225.78"),
    ("216.227.10.221", "235.28.253.36"),
    ("216.254.18.172", "235.7.16.162"),
    ("216.32.132.250", "235.192.139.38"),
    ("216.35.217.178", "235.195.157.81"),
    ("24.0.250.221", "100.15.198.226"),
    ("24.13.62.231", "100.2.192.247"),
    ("24.14.213.138", "100.1.42.141"),
    ("24.5.0.80", "100.9.15.210"),
    ("24.7.198.88", "100.10.6.25"),
    ("24.94.26.44", "100.88.228.35"),
    ("38.15.67.68", "64.3.66.187"),
    ("4.3.88.225", "124.60.155.63"),
    ("63.14.55.111", "95.9.215.7"),
    ("63.195.241.44", "95.179.238.44"),
    ("63.97.7.140", "95.97.9.123"),
    ("64.14.118.196", "0.255.183.58"),
    ("64.34.154.117", "0.221.154.117"),
    ("64.39.15.238", "0.219.7.41"),
    ("10.185.25.118", "117.161.29.118"),
    ("::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"),
    ("::2", "78ff:f001:9fc0:20df:8380:b1f1:704:ef"),
    ("::ffff", "78ff:f001:9fc0:20df:8380:b1f1:704:f838"),
    ("2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"),
    ("2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c"),
]
secrets = st.binary(min_size=32, max_size=64)
v4 = st.integers(0, 2**32 - 1)
v6 = st.integers(0, 2**128 - 1)


def apply(name: str, value: Any, key: RecipientKey = KEY) -> Any:
    """Return what a method makes of a value."""
    return method_of(name, {}).apply(value, key)


def common(one: int, other: int, bits: int) -> int:
    """Return how many first bits two numbers have in common."""
    return bits - (one ^ other).bit_length()


@pytest.mark.parametrize(("raw", "expected"), VECTORS)
def test_addresses_are_scrambled_as_by_the_reference(raw: str, expected: str) -> None:
    """Crypto-PAn gives the published pseudonyms under the published key."""
    address = ip_address(raw)

    made = scrambled(REFERENCE, int(address), address.max_prefixlen)

    assert expected == str(type(address)(made))


@given(secrets, v4, v4)
def test_networks_stay_networks(secret: bytes, one: int, other: int) -> None:
    """Two IPv4 addresses share as many first bits after as before, and no more."""
    key = recipient_key(secret, "kp-misp").pseudonyms
    made = [scrambled(key, address, 32) for address in (one, other)]

    assert common(one, other, 32) == common(*made, 32)


@given(secrets, v6, v6, st.integers(0, 128))
def test_networks_of_ipv6_stay_networks(
    secret: bytes, one: int, other: int, shared: int
) -> None:
    """The same for IPv6, also for addresses that lie close together."""
    other = one >> (128 - shared) << (128 - shared) | other & (
        (1 << (128 - shared)) - 1
    )
    key = recipient_key(secret, "kp-misp").pseudonyms
    made = [scrambled(key, address, 128) for address in (one, other)]

    assert common(one, other, 128) == common(*made, 128)


def test_a_pseudonym_of_an_address_is_no_address() -> None:
    """Nothing that looks for addresses finds one in a pseudonym."""
    for value in ("198.51.100.7", "2001:db8::7"):
        made = apply("pseudonym_ip", value)

        assert made.startswith(f"p-ip{ip_address(value).version}-")
        assert not set(made) & set(".:")


def test_of_a_network_only_its_own_bits_are_told() -> None:
    """A network's pseudonym begins like that of every address in it."""
    network = apply("pseudonym_ip", "198.51.100.0/24")
    address = apply("pseudonym_ip", "198.51.100.201")

    assert network.endswith("-00/24")
    assert address.startswith(network.removesuffix("-00/24"))


@pytest.mark.parametrize("value", ["", "198.51.100", "router", "198.51.100.7:443"])
def test_what_is_no_address_has_no_pseudonym(value: str) -> None:
    """What cannot be read as an address is withheld."""
    assert None is apply("pseudonym_ip", value)


@given(secrets, v4)
def test_two_recipients_cannot_join_addresses(secret: bytes, address: int) -> None:
    """One address has other pseudonyms at two recipients; they share bits by chance."""
    value = str(ip_address(address))
    one, other = (
        apply("pseudonym_ip", value, recipient_key(secret, name))
        for name in ("kp-misp", "fiu-misp")
    )

    assert one != other


@given(secrets, secrets, st.text(min_size=1), st.integers(2, 99_999))
def test_a_pseudonym_names_its_epoch(
    first: bytes, second: bytes, value: str, epoch: int
) -> None:
    """Of every pseudonym it can be told which epoch's key to look it up with."""
    keys = {
        1: recipient_key(first, "kp-misp"),
        epoch: recipient_key(first, "kp-misp", epoch=epoch, secret=second),
    }
    for number, key in keys.items():
        made = apply("pseudonym", value, key)

        assert number == epoch_of(made)
        assert stands_for(made, value, keys)
        assert not stands_for(made, f"{value}?", keys)
        assert not stands_for(made, value, {})


def test_addresses_name_their_epoch_too() -> None:
    """The pseudonym of an address begins like any other of its epoch."""
    key = recipient_key(MASTER, "kp-misp", epoch=7, secret=OTHER)

    made = apply("pseudonym_ip", "198.51.100.7", key)

    assert made.startswith("p7-ip4-")
    assert 7 == epoch_of(made)


@pytest.mark.parametrize("text", ["", "p", "p0-a", "px-a", "pp-a", "198.51.100.7"])
def test_what_is_no_pseudonym_has_no_epoch(text: str) -> None:
    """Nothing else is taken for a pseudonym."""
    assert None is epoch_of(text)
    assert not stands_for(text, "value", {1: KEY})


@given(secrets, secrets, st.text(min_size=1))
def test_epochs_cannot_be_joined(first: bytes, second: bytes, value: str) -> None:
    """The same value has another pseudonym in the next epoch, and the same ids."""
    old = recipient_key(first, "kp-misp")
    new = recipient_key(first, "kp-misp", epoch=2, secret=second)

    assert apply("pseudonym", value, old)[2:] != apply("pseudonym", value, new)[3:]
    assert old.ids == new.ids


@given(secrets, secrets, st.text(min_size=1))
def test_recipients_of_one_epoch_cannot_be_joined(
    first: bytes, second: bytes, value: str
) -> None:
    """Also in a later epoch each recipient has pseudonyms of its own."""
    made = {
        apply("pseudonym", value, recipient_key(first, name, epoch=2, secret=second))
        for name in ("kp-misp", "fiu-misp", "spo-misp")
    }

    assert 3 == len(made)
