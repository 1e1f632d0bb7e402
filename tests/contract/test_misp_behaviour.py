"""How a MISP treats a client that pushes events: the stand-in as well as a real one.

Each test states one observed fact of MISP 2.5.1. With BESA_TEST_MISP_URL and
BESA_TEST_MISP_KEY (a sync user's) set, all of them also run against that server.
"""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

from tests.contract.misp_target import (
    ELSEWHERE,
    START,
    MispTarget,
    attribute,
    bare_update,
    event,
    fresh,
    later,
    tag_names,
    values,
)

EMOJI = "\N{GRINNING FACE}"
NOT_NEWER = (
    "Event could not be saved: Event in the request not newer than the local copy."
)
CATEGORY = {"category": "Network activity"}


# --- adding


def test_add_answers_the_event(misp: MispTarget) -> None:
    """An added event comes back whole, with its own timestamp and numbers as text."""
    sent = event(attribute("ip-dst", "203.0.113.7"))

    shown = misp.added_event(sent)

    assert (sent["uuid"], str(START), "1") == (
        shown["uuid"],
        shown["timestamp"],
        shown["attribute_count"],
    )
    assert {sent["Attribute"][0]["uuid"]: "203.0.113.7"} == values(shown)


def test_add_of_a_known_uuid_is_404_with_its_place(misp: MispTarget) -> None:
    """Adding again answers 404 and a Location: it does not mean a wrong address."""
    sent = event()
    number = misp.added_event(sent)["id"]

    again = misp.add({**sent, "info": "other"})

    assert 404 == again.status_code
    assert again.json()["message"].startswith("Event already exists")
    assert again.headers["Location"].endswith(f"/events/{number}")
    assert misp.view(sent["uuid"])["info"] == sent["info"]


def test_upper_case_uuid_is_stored_in_lower_case(misp: MispTarget) -> None:
    """An event's uuid may be sent in upper case and is kept in lower case."""
    sent = event()

    shown = misp.added_event({**sent, "uuid": sent["uuid"].upper()})

    misp.added.append(sent["uuid"])
    assert sent["uuid"] == shown["uuid"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uuid", "not-a-uuid"),
        ("uuid", "ffffffff-ffff-8fff-bfff-ffffffffffff"),
        ("info", ""),
        ("date", "yesterday-ish"),
        ("date", "20260528"),
        ("date", "2026-02-30"),
        ("threat_level_id", "9"),
        ("analysis", "7"),
        ("distribution", "8"),
    ],
)
def test_bad_event_field_is_refused_by_name(
    misp: MispTarget, field: str, value: str
) -> None:
    """A bad field of the event itself is refused with 403 and named."""
    answer = misp.add({**event(), field: value})

    assert 403 == answer.status_code
    assert [field] == list(answer.json()["errors"]["Event"])


def test_distribution_to_a_sharing_group_that_is_not_there_is_405(
    misp: MispTarget,
) -> None:
    """Distribution 4 without a usable sharing group stores nothing."""
    sent = event(distribution="4")

    answer = misp.add(sent)

    assert 405 == answer.status_code
    assert not misp.exists(sent["uuid"])


def test_attribute_for_an_unknown_sharing_group_becomes_private(
    misp: MispTarget,
) -> None:
    """An attribute with distribution 4 and no group is stored with distribution 0."""
    shown = misp.added_event(event(attribute("domain", "a.example", distribution="4")))

    assert ["0"] == [one["distribution"] for one in shown["Attribute"]]


@pytest.mark.parametrize("body", [b"", b"{not json", b"[]", b"{}"])
def test_body_that_holds_no_event_is_405(misp: MispTarget, body: bytes) -> None:
    """Without readable JSON there is no event, and the method counts as not allowed."""
    answer = misp.send("POST", "/events/add", data=body)

    assert 405 == answer.status_code


def test_gzipped_body_is_understood(misp: MispTarget) -> None:
    """A request body may be compressed."""
    sent = event(attribute("domain", "zipped.example"))
    misp.added.append(sent["uuid"])
    body = gzip.compress(json.dumps({"Event": sent}).encode())

    answer = misp.send(
        "POST", "/events/add", data=body, headers={"Content-Encoding": "gzip"}
    )

    assert 200 == answer.status_code
    assert ["zipped.example"] == list(values(misp.body(answer)).values())


def test_published_event_must_not_be_empty(misp: MispTarget) -> None:
    """A published event without any content is refused."""
    sent = event(published=True)

    assert 403 == misp.add(sent).status_code
    assert not misp.exists(sent["uuid"])


@pytest.mark.parametrize("key", ["no-such-key", "", "x" * 40])
def test_wrong_key_is_403(misp: MispTarget, key: str) -> None:
    """Without a valid key every call is refused with the same answer."""
    answer = misp.send("GET", "/servers/getVersion", key=key)

    assert 403 == answer.status_code
    assert answer.json()["message"].startswith("Authentication failed.")


# --- updating


def test_update_of_an_unknown_event_is_404(misp: MispTarget) -> None:
    """An event that is not there cannot be updated."""
    answer = misp.edit(event())

    assert (404, "Invalid event") == (answer.status_code, answer.json()["message"])


@pytest.mark.parametrize("seconds", [0, -1])
def test_update_that_is_not_newer_changes_nothing(
    misp: MispTarget, seconds: int
) -> None:
    """An equal or older timestamp is refused with 403."""
    sent = event(attribute("domain", "old.example"))
    misp.added_event(sent)

    answer = misp.edit(later(sent, seconds, info="changed"))

    assert (403, NOT_NEWER) == (answer.status_code, answer.json()["errors"])
    assert misp.view(sent["uuid"])["info"] == sent["info"]


def test_update_without_timestamp_gets_the_servers(misp: MispTarget) -> None:
    """Without a timestamp an update always counts, and the server's time is stored."""
    sent = event(timestamp=str(int(time.time()) - 1000))
    misp.added_event(sent)
    del sent["timestamp"]

    shown = misp.edited_event({**sent, "info": "changed"})

    assert "changed" == shown["info"]
    assert abs(int(shown["timestamp"]) - time.time()) < 600


def test_update_keeps_what_it_leaves_out(misp: MispTarget) -> None:
    """Attributes, objects and fields that an update does not mention stay."""
    sent = event(attribute("domain", "kept.example"), Object=[bank_account()])
    misp.added_event(sent)

    shown = misp.edited_event(
        {"uuid": sent["uuid"], "timestamp": str(START + 10), "Attribute": []}
    )

    assert ["kept.example"] == list(values(shown).values())
    assert 1 == len(shown["Object"])
    assert shown["info"] == sent["info"]


def test_attribute_changes_by_a_newer_timestamp_only(misp: MispTarget) -> None:
    """An attribute whose timestamp is not newer is ignored, in silence."""
    sent = event(attribute("domain", "a.example", comment="first"))
    misp.added_event(sent)
    one = sent["Attribute"][0]

    ignored = misp.edited_event(
        later(sent, 10, Attribute=[{**one, "comment": "second"}])
    )
    applied = misp.edited_event(
        later(sent, 20, Attribute=[later(one, 20, comment="third")])
    )

    assert ["first"] == [a["comment"] for a in ignored["Attribute"]]
    assert ["third"] == [a["comment"] for a in applied["Attribute"]]


def test_attribute_without_timestamp_is_applied(misp: MispTarget) -> None:
    """An attribute that names no timestamp changes, and gets the server's time."""
    sent = event(attribute("domain", "a.example", comment="first"))
    misp.added_event(sent)
    one = {**sent["Attribute"][0], "comment": "second"}
    del one["timestamp"]

    shown = misp.edited_event(later(sent, Attribute=[one]))

    assert ["second"] == [a["comment"] for a in shown["Attribute"]]
    assert abs(int(shown["Attribute"][0]["timestamp"]) - time.time()) < 600


def test_equal_attribute_without_uuid_is_not_doubled(misp: MispTarget) -> None:
    """An attribute sent again without its uuid is recognised by type and value."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)

    shown = misp.edited_event(
        later(sent, Attribute=[{"type": "domain", "value": "a.example"}])
    )

    assert {sent["Attribute"][0]["uuid"]: "a.example"} == values(shown)


def test_bumping_the_timestamp_repairs_a_partial_event(misp: MispTarget) -> None:
    """What an interrupted add lost comes by an update with the timestamp raised."""
    whole = event(attribute("domain", "a.example"), attribute("domain", "b.example"))
    misp.added_event({**whole, "Attribute": whole["Attribute"][:1]})

    refused = misp.edit(whole)
    repaired = misp.edited_event(later(whole, 1))

    assert 403 == refused.status_code
    assert ["a.example", "b.example"] == list(values(repaired).values())


# --- deleting and coming back


def test_soft_deleted_attribute_is_hidden_not_gone(misp: MispTarget) -> None:
    """``deleted`` hides an attribute; a view that asks for deleted ones shows it."""
    sent = event(attribute("domain", "a.example"), attribute("domain", "b.example"))
    misp.added_event(sent)
    gone = later(sent["Attribute"][0], deleted=True)

    shown = misp.edited_event(later(sent, Attribute=[gone]))

    whole = misp.view(sent["uuid"], "/deleted:1")
    assert ["b.example"] == list(values(shown).values())
    assert "1" == shown["attribute_count"]
    assert {
        "a.example": True,
        "b.example": False,
    } == {one["value"]: one["deleted"] for one in whole["Attribute"]}


def test_soft_deleted_attribute_returns_only_when_told(misp: MispTarget) -> None:
    """Sent again it stays deleted, until ``deleted`` is sent as false."""
    sent = event(attribute("domain", "a.example"))
    one = sent["Attribute"][0]
    misp.added_event(sent)
    misp.edited_event(later(sent, 10, Attribute=[later(one, 10, deleted=True)]))

    again = misp.edited_event(later(sent, 20, Attribute=[later(one, 20, comment="x")]))
    back = misp.edited_event(later(sent, 30, Attribute=[later(one, 30, deleted=False)]))

    assert [] == again["Attribute"]
    assert ["a.example"] == list(values(back).values())


def test_hard_deleted_attribute_comes_back_as_new(misp: MispTarget) -> None:
    """A removed attribute is simply new when an update brings it."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)
    removed = misp.send("POST", f"/attributes/delete/{sent['Attribute'][0]['uuid']}/1")
    without = misp.view(sent["uuid"], "/deleted:1")

    now = int(without["timestamp"])
    shown = misp.edited_event({**sent, "timestamp": str(now + 1)})

    assert {"message": "Attribute deleted."} == removed.json()
    assert [] == without["Attribute"]
    assert ["a.example"] == list(values(shown).values())


def test_attribute_deleted_by_itself_marks_the_event_as_changed(
    misp: MispTarget,
) -> None:
    """A soft delete by ``attributes/delete`` sets the event's timestamp to now."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)

    answer = misp.send("POST", f"/attributes/delete/{sent['Attribute'][0]['uuid']}")

    shown = misp.view(sent["uuid"], "/deleted:1")
    assert 200 == answer.status_code
    assert [True] == [one["deleted"] for one in shown["Attribute"]]
    assert abs(int(shown["timestamp"]) - time.time()) < 600


def test_deleting_an_attribute_that_is_not_there_is_404(misp: MispTarget) -> None:
    """An unknown attribute cannot be deleted."""
    assert 404 == misp.send("POST", f"/attributes/delete/{fresh()}").status_code


def test_deleted_event_cannot_come_back(misp: MispTarget) -> None:
    """Deleting an event puts its uuid on the blocklist: adding it again is 403."""
    sent = event()
    misp.added_event(sent)

    gone = misp.send("POST", f"/events/delete/{sent['uuid']}")
    again = misp.add(sent)

    assert (200, "Event deleted.") == (gone.status_code, gone.json()["message"])
    assert not misp.exists(sent["uuid"])
    assert (403, "Event blocked by event blocklist.") == (
        again.status_code,
        again.json()["message"],
    )


def test_deleting_a_missing_event_is_403(misp: MispTarget) -> None:
    """Deleting what is not there answers 403, not 404."""
    answer = misp.send("POST", f"/events/delete/{fresh()}")

    assert (403, "Event was not deleted.") == (
        answer.status_code,
        answer.json()["errors"],
    )


# --- tags


def test_tags_of_an_update_only_add(misp: MispTarget) -> None:
    """A tag that an update leaves out stays; ``deleted`` takes it off."""
    sent = event(Tag=[{"name": "tlp:amber"}])
    misp.added_event(sent)

    more = misp.edited_event(later(sent, 10, Tag=[{"name": "tlp:green"}]))
    less = misp.edited_event(
        later(sent, 20, Tag=[{"name": "tlp:amber", "deleted": True}])
    )

    assert ["tlp:amber", "tlp:green"] == tag_names(more)
    assert ["tlp:green"] == tag_names(less)


def test_tag_is_found_in_any_case_of_letters(misp: MispTarget) -> None:
    """A tag that differs only in case is the known tag."""
    misp.added_event(event(Tag=[{"name": 'besa:contract="case"'}]))

    shown = misp.added_event(event(Tag=[{"name": 'BESA:contract="CASE"'}]))

    assert ['besa:contract="case"'] == tag_names(shown)


def test_too_long_tag_is_left_out(misp: MispTarget) -> None:
    """A tag name of more than 255 characters is dropped without a word."""
    if misp.live:
        pytest.skip("some databases cut it instead, and keep the tag for ever")
    shown = misp.added_event(event(Tag=[{"name": "tlp:green"}, {"name": "t" * 300}]))

    assert ["tlp:green"] == tag_names(shown)


def test_event_without_tags_has_no_tag_key(misp: MispTarget) -> None:
    """An untagged event lacks the key, it does not have an empty list."""
    assert "Tag" not in misp.added_event(event())


def test_attribute_carries_its_own_tags(misp: MispTarget) -> None:
    """A tag on an attribute is shown there and not on the event."""
    shown = misp.added_event(
        event(attribute("domain", "a.example", Tag=[{"name": "tlp:green"}]))
    )

    assert ["tlp:green"] == tag_names(shown["Attribute"][0])
    assert [] == tag_names(shown)


def test_tag_attached_by_itself_marks_the_event_as_changed(misp: MispTarget) -> None:
    """Attaching a tag unpublishes the event and raises its timestamp to now."""
    sent = event(attribute("domain", "a.example"), published=True)
    misp.added_event(sent)
    target = {"uuid": sent["uuid"], "tag": "tlp:green"}

    answer = misp.send("POST", "/tags/attachTagToObject", target)
    tagged = misp.view(sent["uuid"])
    misp.send("POST", "/tags/removeTagFromObject", target)

    assert 200 == answer.status_code
    assert (["tlp:green"], False) == (tag_names(tagged), tagged["published"])
    assert abs(int(tagged["timestamp"]) - time.time()) < 600
    assert [] == tag_names(misp.view(sent["uuid"]))


# --- what is dropped in silence


BAD: list[tuple[str, dict[str, Any]]] = [
    ("address", attribute("ip-dst", "not an ip", **CATEGORY)),
    ("address-range", attribute("ip-src", "10.0.0.0/33", **CATEGORY)),
    ("address-port", attribute("ip-dst|port", "203.0.113.1|70000", **CATEGORY)),
    ("port", attribute("port", "0", **CATEGORY)),
    ("domain", attribute("domain", "no dots", **CATEGORY)),
    ("hostname", attribute("hostname", "a b.example", **CATEGORY)),
    ("md5", attribute("md5", "d41d8cd98f00b204e9800998ecf8427")),
    ("sha256", attribute("sha256", "zz" * 32)),
    ("file-hash", attribute("filename|sha1", "a.exe|da39")),
    ("composite", attribute("filename|md5", "a.exe")),
    ("mail", attribute("email", "nobody at home")),
    ("mac", attribute("mac-address", "00:11:22:33:44", **CATEGORY)),
    ("as", attribute("AS", "ASxyz", **CATEGORY)),
    ("cve", attribute("vulnerability", "CVE-20-1")),
    ("link", attribute("link", "no scheme")),
    ("size", attribute("size-in-bytes", "-1")),
    ("datetime", attribute("datetime", "the other day")),
    ("bank-account", attribute("bank-account-nr", "no number")),
    ("type", attribute("no-such-type", "x")),
    ("category", attribute("domain", "a.example", category="No such category")),
    ("mismatch", attribute("iban", "XK051212012345678906", **CATEGORY)),
    ("empty", attribute("comment", "   ")),
    ("long", attribute("comment", "x" * 65_536)),
    ("uuid", attribute("domain", "a.example", uuid="not-a-uuid")),
    ("distribution", attribute("domain", "a.example", distribution="9")),
    (
        "backwards",
        attribute(
            "domain", "a.example", first_seen="2026-05-02", last_seen="2026-05-01"
        ),
    ),
]


@pytest.mark.parametrize("bad", [one for _, one in BAD], ids=[name for name, _ in BAD])
def test_bad_attribute_is_dropped_in_silence(
    misp: MispTarget, bad: dict[str, Any]
) -> None:
    """An event with a bad attribute is stored without it, and no answer says so."""
    good = attribute("domain", "good.example")

    answer = misp.add(event(bad, good))

    assert 200 == answer.status_code
    assert "errors" not in answer.json()
    assert {good["uuid"]: "good.example"} == values(misp.body(answer))


def test_bad_attributes_of_an_update_are_dropped_too(misp: MispTarget) -> None:
    """An update drops bad attributes as an add does."""
    sent = event()
    misp.added_event(sent)
    bad = attribute("ip-dst", "not an ip")

    answer = misp.edit(later(sent, Attribute=[bad, attribute("domain", "a.example")]))

    assert 200 == answer.status_code
    assert "errors" not in answer.json()
    assert ["a.example"] == list(values(misp.body(answer)).values())


def test_server_log_is_the_only_trace_of_a_dropped_attribute(misp: MispTarget) -> None:
    """The sync user finds a line about the dropped attribute in the server's log."""
    shown = misp.added_event(event(attribute("ip-dst", "not an ip")))

    title = f"%dropped due to validation for Event {shown['id']} failed%"
    found = misp.send("POST", "/logs/index", {"title": title}).json()

    assert 1 == len(found)
    assert "Attribute" == found[0]["Log"]["model"]


def test_repetitions_in_one_add_are_dropped(misp: MispTarget) -> None:
    """Of two attributes with one value, or one uuid, the second is dropped."""
    one, same_value = attribute("domain", "a.example"), attribute("domain", "a.example")
    same_uuid = attribute("domain", "b.example", uuid=one["uuid"])

    shown = misp.added_event(event(one, same_value, same_uuid))

    assert {one["uuid"]: "a.example"} == values(shown)


def test_attribute_uuid_of_another_event_is_dropped(misp: MispTarget) -> None:
    """An attribute's uuid belongs to one event: add and update drop it elsewhere."""
    used = attribute("domain", "a.example")
    misp.added_event(event(used))
    sent = event({**used, "value": "b.example"})

    added = misp.added_event(sent)
    updated = misp.edited_event(later(sent, Attribute=[later(used, value="c.example")]))

    assert added["Attribute"] == updated["Attribute"] == []


# --- how values are stored


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        ("domain", "EVIL.Example", "evil.example"),
        ("domain", "evil[.]example", "evil.example"),
        ("domain", "evil.example.", "evil.example"),
        (
            "domain",
            "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example",
            "xn--bcher-kva.example",
        ),
        ("url", "hxxps://evil[.]example/Path", "https://evil.example/Path"),
        ("email", "Someone@Evil.Example", "someone@evil.example"),
        ("md5", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"),
        ("ip-dst", "2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("ip-dst", "203.0.113.7/32", "203.0.113.7"),
        ("ip-dst|port", "203.0.113.7:443", "203.0.113.7|443"),
        ("mac-address", "00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e"),
        ("AS", "AS64500", "64500"),
        ("vulnerability", "cve-2026-12345", "CVE-2026-12345"),
        ("datetime", "2026-05-28T10:00:00Z", "2026-05-28T10:00:00.000000+0000"),
        ("iban", "xk05 1212 0123 4567 8906", "XK051212012345678906"),
        ("text", "  blanks  ", "blanks"),
        ("text", f"grin {EMOJI}", "grin ?"),
    ],
)
def test_value_is_stored_in_normal_form(
    misp: MispTarget, kind: str, sent: str, stored: str
) -> None:
    """A value is changed to the notation of its type: compare by uuid, not by value."""
    shown = misp.added_event(event(attribute(kind, sent)))

    assert [stored] == [one["value"] for one in shown["Attribute"]]


def test_missing_category_becomes_the_types_default(misp: MispTarget) -> None:
    """An attribute without a category gets the one that suits its type."""
    shown = misp.added_event(
        event(attribute("md5", "d41d8cd98f00b204e9800998ecf8427e"))
    )

    assert ["Payload delivery"] == [one["category"] for one in shown["Attribute"]]


def test_times_seen_are_shown_with_microseconds(misp: MispTarget) -> None:
    """First and last seen come back in UTC with microseconds."""
    shown = misp.added_event(
        event(attribute("domain", "a.example", first_seen="2026-05-28T12:00:00+02:00"))
    )

    assert ["2026-05-28T10:00:00.000000+00:00"] == [
        one["first_seen"] for one in shown["Attribute"]
    ]


# --- emoji and other texts that the database refuses


@pytest.mark.parametrize("sent", [{"info": EMOJI}, {"Tag": [{"name": f"x{EMOJI}"}]}])
def test_emoji_in_title_or_tag_stores_nothing(
    misp: MispTarget, sent: dict[str, Any]
) -> None:
    """The server answers 500 and the event does not exist."""
    whole = event(**sent)

    assert 500 == misp.add(whole).status_code
    assert not misp.exists(whole["uuid"])


@pytest.mark.parametrize("comment", [EMOJI, "x" * 65_536], ids=["emoji", "long"])
def test_unstorable_comment_leaves_an_event_without_attributes(
    misp: MispTarget, comment: str
) -> None:
    """The server answers 500 and keeps a part of the event: look before trusting it."""
    sent = event(attribute("domain", "a.example", comment=comment))

    answer = misp.add(sent)

    assert 500 == answer.status_code
    assert [] == misp.view(sent["uuid"])["Attribute"]


def test_unstorable_comment_in_an_update_stores_none_of_its_attributes(
    misp: MispTarget,
) -> None:
    """The server answers 500; the event has the new timestamp, but no new attribute."""
    sent = event()
    misp.added_event(sent)
    good, bad = attribute("domain", "a.example"), attribute("domain", "b.example")

    answer = misp.edit(later(sent, Attribute=[good, {**bad, "comment": EMOJI}]))

    shown = misp.view(sent["uuid"])
    assert 500 == answer.status_code
    assert (str(START + 10), []) == (shown["timestamp"], shown["Attribute"])


def test_emoji_in_a_report_leaves_the_event(misp: MispTarget) -> None:
    """The server answers 500, and all but the report is stored."""
    sent = event(attribute("domain", "a.example"), EventReport=[report(content=EMOJI)])

    assert 500 == misp.add(sent).status_code
    assert ["a.example"] == list(values(misp.view(sent["uuid"])).values())


# --- publishing


def test_update_without_published_unpublishes(misp: MispTarget) -> None:
    """Only an update that says ``published`` keeps an event published."""
    sent = event(attribute("domain", "a.example"), published=True)
    added = misp.added_event(sent)
    plain = {name: value for name, value in sent.items() if name != "published"}

    quiet = misp.edited_event(bare_update(plain, info="changed"))
    loud = misp.edited_event(later(sent, 20, info="changed again"))

    assert [True, False, True] == [one["published"] for one in (added, quiet, loud)]


def test_publishing_twice_is_fine(misp: MispTarget) -> None:
    """Publishing a published event answers 200 again."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)

    answers = [misp.send("POST", f"/events/publish/{sent['uuid']}") for _ in range(2)]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert misp.view(sent["uuid"])["published"]


def test_publishing_a_missing_event_is_404(misp: MispTarget) -> None:
    """An event that is not there cannot be published."""
    assert 404 == misp.send("POST", f"/events/publish/{fresh()}").status_code


# --- who the event is from


def test_event_of_another_organisation_can_be_pushed_once(misp: MispTarget) -> None:
    """A sync user may add an event for others, but update it only if it is locked."""
    creator = ELSEWHERE
    free = event(Orgc=creator)
    locked = event(Orgc=creator, locked=True)
    shown = misp.added_event(free)
    misp.added_event(locked)

    assert creator["uuid"] == shown["Orgc"]["uuid"]
    assert 403 == misp.edit(later(free, info="changed")).status_code
    assert 200 == misp.edit(later(locked, info="changed")).status_code


# --- sharing groups


def group_of(misp: MispTarget, *members: dict[str, Any]) -> dict[str, Any]:
    """Return a new group of our own organisation and others, deleted in the end."""
    ours = misp.send("GET", "/users/view/me").json()["Organisation"]
    own = {"uuid": ours["uuid"], "name": ours["name"]}
    made = {"uuid": fresh(), "name": f"besa-test-{fresh()[:8]}", "roaming": False}
    misp.groups.append(made["uuid"])
    first = {"extend": True, "Organisation": own}
    return {**made, "SharingGroupOrg": [first, *members]}


def members_of(misp: MispTarget, group: dict[str, Any]) -> list[str]:
    """Return the organisations that a group has on the server."""
    shown = misp.send("GET", f"/sharing_groups/view/{group['uuid']}").json()
    return [one["Organisation"]["uuid"] for one in shown["SharingGroupOrg"]]


def test_sharing_group_that_is_not_there_is_405(misp: MispTarget) -> None:
    """A group that is not there, or hidden from us, is called not allowed."""
    assert 405 == misp.send("GET", f"/sharing_groups/view/{fresh()}").status_code


def test_sharing_group_is_made_and_made_again(misp: MispTarget) -> None:
    """A group holds who was named; making it again adds whom it lacks."""
    group = group_of(misp)
    ours = group["SharingGroupOrg"][0]["Organisation"]["uuid"]
    more = {"extend": False, "Organisation": ELSEWHERE}
    wider = {**group, "SharingGroupOrg": [*group["SharingGroupOrg"], more]}

    first = misp.send("POST", "/sharing_groups/add", group)
    alone = members_of(misp, group)
    second = misp.send("POST", "/sharing_groups/add", wider)

    assert [200, 200] == [answer.status_code for answer in (first, second)]
    assert [ours] == alone
    assert [ours, ELSEWHERE["uuid"]] == members_of(misp, group)


def test_sharing_group_without_its_maker_is_refused(misp: MispTarget) -> None:
    """A group that does not hold the organisation that makes it is not stored."""
    group = group_of(misp)
    group["SharingGroupOrg"] = [{"extend": False, "Organisation": ELSEWHERE}]

    answer = misp.send("POST", "/sharing_groups/add", group)

    assert (403, "Could not save sharing group.") == (
        answer.status_code,
        answer.json()["errors"],
    )


def test_sharing_group_stays_without_whom_nothing_is_said_of(misp: MispTarget) -> None:
    """A member without ``extend`` is 500, and the group is there without it."""
    group = group_of(misp, {"Organisation": ELSEWHERE})

    answer = misp.send("POST", "/sharing_groups/add", group)

    assert 500 == answer.status_code
    assert ELSEWHERE["uuid"] not in members_of(misp, group)


# --- objects


def bank_account(**fields: Any) -> dict[str, Any]:
    """Return an object with one attribute."""
    inner = attribute("iban", "XK051212012345678906", object_relation="iban")
    return {
        "uuid": fresh(),
        "name": "bank-account",
        "meta-category": "financial",
        "description": "An object describing bank account information",
        "template_uuid": "b4712203-95a8-4883-80e9-b566f5df11c9",
        "template_version": "3",
        "timestamp": str(START),
        "Attribute": [{**inner, "category": "Financial fraud"}],
        **fields,
    }


def test_object_is_stored_with_its_attributes(misp: MispTarget) -> None:
    """An object's attributes stand inside it, and count as the event's."""
    sent = bank_account()

    shown = misp.added_event(event(Object=[sent]))

    assert [] == shown["Attribute"]
    assert [sent["uuid"]] == [one["uuid"] for one in shown["Object"]]
    assert values(shown["Object"][0]) == values(sent)
    assert "1" == shown["attribute_count"]


def test_object_with_an_empty_description_is_dropped(misp: MispTarget) -> None:
    """``description: ""`` makes an object vanish, with everything in it."""
    shown = misp.added_event(event(Object=[bank_account(description="")]))

    assert [] == shown["Object"]


def test_object_whose_attributes_are_all_bad_is_dropped(misp: MispTarget) -> None:
    """An object that keeps no attribute is not shown."""
    bad = attribute("ip-dst", "not an ip", object_relation="ip")

    shown = misp.added_event(event(Object=[bank_account(Attribute=[bad])]))

    assert [] == shown["Object"]


def test_object_without_uuid_is_doubled_by_an_update(misp: MispTarget) -> None:
    """An object is recognised by its uuid only."""
    sent = event(Object=[bank_account()])
    misp.added_event(sent)
    nameless = bank_account()
    del nameless["uuid"]

    shown = misp.edited_event(later(sent, Object=[nameless]))

    assert 2 == len(shown["Object"])


def test_new_object_in_an_update_sets_the_servers_time(misp: MispTarget) -> None:
    """A new object marks the event as changed here: the sent timestamp is not kept."""
    sent = event()
    misp.added_event(sent)

    shown = misp.edited_event(later(sent, Object=[bank_account()]))

    assert abs(int(shown["timestamp"]) - time.time()) < 600


def test_object_that_is_not_newer_is_left_alone(misp: MispTarget) -> None:
    """Even a newer attribute is ignored inside an object that is not newer."""
    group = bank_account()
    sent = event(Object=[group])
    misp.added_event(sent)
    changed = [later(group["Attribute"][0], 10, comment="changed")]

    ignored = misp.edited_event(
        later(sent, 10, Object=[{**group, "Attribute": changed}])
    )
    applied = misp.edited_event(
        later(sent, 20, Object=[later(group, 20, Attribute=changed)])
    )

    assert [""] == [one["comment"] for one in ignored["Object"][0]["Attribute"]]
    assert ["changed"] == [one["comment"] for one in applied["Object"][0]["Attribute"]]


def test_deleted_object_is_hidden_with_its_attributes(misp: MispTarget) -> None:
    """``deleted`` on an object hides it and the attributes sent with it."""
    group = bank_account()
    sent = event(Object=[group])
    misp.added_event(sent)
    inner = [later(group["Attribute"][0])]

    shown = misp.edited_event(
        later(sent, Object=[later(group, deleted=True, Attribute=inner)])
    )

    whole = misp.view(sent["uuid"], "/deleted:1")["Object"]
    assert [] == shown["Object"]
    assert [(True, [True])] == [
        (one["deleted"], [inner["deleted"] for inner in one["Attribute"]])
        for one in whole
    ]


# --- reports


def report(**fields: Any) -> dict[str, Any]:
    """Return an event report."""
    return {
        "uuid": fresh(),
        "name": "Summary",
        "content": "# Summary",
        "distribution": "5",
        "timestamp": str(START),
        **fields,
    }


def test_report_changes_by_a_newer_timestamp_only(misp: MispTarget) -> None:
    """A report in an update follows the rule for attributes."""
    one = report()
    sent = event(EventReport=[one])
    misp.added_event(sent)

    ignored = misp.edited_event(
        later(sent, 10, EventReport=[{**one, "content": "second"}])
    )
    applied = misp.edited_event(
        later(sent, 20, EventReport=[later(one, 20, content="third")])
    )

    assert ["# Summary"] == [found["content"] for found in ignored["EventReport"]]
    assert ["third"] == [found["content"] for found in applied["EventReport"]]


def test_deleted_report_is_marked_and_may_still_be_shown(misp: MispTarget) -> None:
    """MISP 2.5.1 shows deleted reports with their text; it takes an empty one, too."""
    one = report()
    sent = event(attribute("domain", "a.example"), EventReport=[one])
    misp.added_event(sent)

    deleted = misp.edited_event(
        later(sent, 10, EventReport=[later(one, 10, deleted=True)])
    )
    emptied = misp.edited_event(
        later(sent, 20, EventReport=[later(one, 20, deleted=True, content="")])
    )

    assert {True} >= {found["deleted"] for found in deleted["EventReport"]}
    assert {""} >= {found["content"] for found in emptied["EventReport"]}


def test_report_that_names_nothing_but_its_uuid_is_not_deleted(
    misp: MispTarget,
) -> None:
    """A deletion must repeat the report's name, without which it is not valid."""
    one = report()
    sent = event(EventReport=[one])
    misp.added_event(sent)
    bare = {"uuid": one["uuid"], "deleted": True, "timestamp": str(START + 10)}

    shown = misp.edited_event(later(sent, 10, EventReport=[bare]))

    assert [False] == [found["deleted"] for found in shown["EventReport"]]


# --- sightings


def sighting(of: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a sighting of an attribute."""
    return {
        "uuid": fresh(),
        "attribute_uuid": of["uuid"],
        "type": "0",
        "source": "KP",
        "date_sighting": str(START + 60),
        **fields,
    }


def test_sightings_in_bulk_count_once(misp: MispTarget) -> None:
    """The same sighting sent again adds nothing and changes nothing of the event."""
    sent = event(attribute("domain", "a.example"), published=True)
    misp.added_event(sent)
    path = f"/sightings/bulkSaveSightings/{sent['uuid']}"
    one = sighting(sent["Attribute"][0])

    answers = [misp.send("POST", path, [one]).json()["success"] for _ in range(2)]

    shown = misp.view(sent["uuid"])
    assert ["1 sightings added.", "No sightings added."] == answers
    assert [one["uuid"]] == [s["uuid"] for s in shown["Attribute"][0]["Sighting"]]
    assert (str(START), True) == (shown["timestamp"], shown["published"])


def test_sighting_in_bulk_without_type_is_not_taken(misp: MispTarget) -> None:
    """A sighting in bulk must say of which type it is, else it is left out."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)
    path = f"/sightings/bulkSaveSightings/{sent['uuid']}"
    one = sighting(sent["Attribute"][0])
    del one["type"]

    answer = misp.send("POST", path, [one]).json()

    assert not answer["saved"]
    assert "Sighting" not in misp.view(sent["uuid"])["Attribute"][0]


def test_sightings_one_by_one_accumulate(misp: MispTarget) -> None:
    """``sightings/add`` makes a new sighting each time, whatever uuid is sent."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)
    wanted = sent["Attribute"][0]["uuid"]

    for _ in range(2):
        misp.send("POST", f"/sightings/add/{wanted}", {"uuid": fresh(), "type": "0"})

    assert 2 == len(misp.view(sent["uuid"])["Attribute"][0]["Sighting"])


def test_sighting_of_an_unknown_value_is_200(misp: MispTarget) -> None:
    """A value that no attribute has is not an error, only a message."""
    answer = misp.send("POST", "/sightings/add", {"values": [f"{fresh()}.example"]})

    assert 200 == answer.status_code
    assert answer.json()["message"].startswith("Could not add the Sighting")


# --- one attribute at a time


def test_bad_attribute_alone_is_refused_with_its_reason(misp: MispTarget) -> None:
    """``attributes/add`` says what is wrong, unlike ``events/add``."""
    sent = event()
    misp.added_event(sent)

    answer = misp.send(
        "POST", f"/attributes/add/{sent['uuid']}", attribute("ip-dst", "not an ip")
    )

    assert 403 == answer.status_code
    assert {"value": ["IP address has an invalid format."]} == answer.json()["errors"]


def test_equal_attribute_alone_is_refused(misp: MispTarget) -> None:
    """``attributes/add`` refuses what the event already says."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)

    answer = misp.send(
        "POST", f"/attributes/add/{sent['uuid']}", attribute("domain", "a.example")
    )

    assert 403 == answer.status_code
    assert (
        {"value": ["A similar attribute already exists for this event."]}
    ) == answer.json()["errors"]


def test_list_of_attributes_reports_each_failure(misp: MispTarget) -> None:
    """``attributes/add`` with a list saves the good ones and names the bad ones."""
    sent = event()
    misp.added_event(sent)
    both = [attribute("domain", "a.example"), attribute("ip-dst", "not an ip")]

    answer = misp.send("POST", f"/attributes/add/{sent['uuid']}", both)

    assert 200 == answer.status_code
    assert "a.example" == answer.json()["Attribute"]["value"]
    assert ["attribute_1"] == list(answer.json()["errors"])


# --- searching


def test_search_by_uuid_and_time(misp: MispTarget) -> None:
    """``restSearch`` finds by uuid, and leaves out what is older than asked."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)
    wanted = {"returnFormat": "json", "uuid": sent["uuid"]}

    found = misp.send("POST", "/events/restSearch", wanted).json()["response"]
    newer = {**wanted, "timestamp": START + 1}
    none = misp.send("POST", "/events/restSearch", newer).json()["response"]

    assert [sent["uuid"]] == [one["Event"]["uuid"] for one in found]
    assert [] == none


def test_search_for_metadata_leaves_the_contents_out(misp: MispTarget) -> None:
    """``metadata`` answers the event without its attributes."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)
    wanted = {"returnFormat": "json", "uuid": sent["uuid"], "metadata": 1}

    found = misp.send("POST", "/events/restSearch", wanted).json()["response"]

    assert "Attribute" not in found[0]["Event"]
    assert "1" == found[0]["Event"]["attribute_count"]


def test_minimal_index_tells_uuid_and_time(misp: MispTarget) -> None:
    """The minimal index is the cheap way to compare what a server has."""
    sent = event(attribute("domain", "a.example"))
    misp.added_event(sent)
    wanted = {"minimal": 1, "eventid": sent["uuid"]}

    found = misp.send("POST", "/events/index", wanted).json()

    assert [(sent["uuid"], str(START))] == [
        (one["uuid"], one["timestamp"]) for one in found
    ]


def test_minimal_index_leaves_empty_events_out(misp: MispTarget) -> None:
    """An event without attributes and reports is not in the minimal index."""
    sent = event()
    misp.added_event(sent)
    wanted = {"minimal": 1, "eventid": sent["uuid"]}

    assert [] == misp.send("POST", "/events/index", wanted).json()


def test_events_with_a_common_value_are_related(misp: MispTarget) -> None:
    """Two events that share a value name each other."""
    shared = f"{fresh()}.example"
    first = event(attribute("domain", shared))
    second = event(attribute("domain", shared))
    misp.added_event(first)

    shown = misp.added_event(second)

    assert [first["uuid"]] == [one["Event"]["uuid"] for one in shown["RelatedEvent"]]


def test_deleted_value_relates_nothing(misp: MispTarget) -> None:
    """An attribute that was taken back no longer relates its event."""
    shared = f"{fresh()}.example"
    first = event(attribute("domain", shared))
    misp.added_event(first)
    misp.send("POST", f"/attributes/delete/{first['Attribute'][0]['uuid']}")

    shown = misp.added_event(event(attribute("domain", shared)))

    assert [] == shown["RelatedEvent"]
