"""The sharing group at a MISP that several organisations use: made once, then checked.

The group that a recipient's file names -> nothing, when the one at the server holds
exactly the agreed organisations and our own.

Invariant: nothing is sent into a group whose members are not known: a server's
administrator can put others in.
"""

from __future__ import annotations

from typing import Any

from broker.deliver.misp_answers import Answer
from broker.deliver.misp_client import MispClient
from broker.errors import Refused, Unavailable
from broker.model.recipient import SharingGroup


def make_sure(misp: MispClient, group: SharingGroup) -> None:
    """See that the group is there, and for nobody but the agreed organisations.

    Raises:
        Refused: it holds others, or goes to other servers, or lacks one of them, or
            does not show who is in it.
        Unavailable: what answers is no sharing group.
        Answer: the server's word that we may not make one.
    """
    found = _look(misp, group) or _make(misp, group)
    about = found.get("SharingGroup")
    if not isinstance(about, dict):
        raise Unavailable("what answers there is not a MISP")
    members = found.get("SharingGroupOrg")
    if not isinstance(members, list):
        # MISP 2.5.1 leaves them out where it hides organisations from other roles.
        raise Refused("the server does not show who is in the sharing group")
    servers = found.get("SharingGroupServer") or ()
    if about.get("roaming") or any(server.get("all_orgs") for server in servers):
        raise Refused("the sharing group there is open to whole servers")
    there = {str(member["Organisation"]["uuid"]).lower() for member in members}
    agreed = {member.uuid for member in group.organisations}
    if there - agreed - {misp.organisation.lower()}:
        raise Refused("the sharing group there has an organisation that is not agreed")
    if agreed - there:
        raise Refused("the sharing group there lacks an organisation that is agreed")
    if about.get("active") is False:
        raise Refused("the sharing group there is not active")


def _look(misp: MispClient, group: SharingGroup) -> dict[str, Any] | None:
    try:
        found = misp.direct_call(f"sharing_groups/view/{group.uuid}")
    except Answer as answer:
        # MISP says of a group that is not there that it is not allowed.
        if answer.status in (403, 404, 405):
            return None
        raise
    return found if isinstance(found, dict) else {}


def _make(misp: MispClient, group: SharingGroup) -> dict[str, Any]:
    members: list[dict[str, Any]] = [
        # Without ``extend`` MISP 2.5.1 answers 500 and leaves a group of nobody.
        {"extend": False, "Organisation": {"uuid": member.uuid, "name": member.name}}
        for member in group.organisations
    ]
    if misp.organisation.lower() not in {each.uuid for each in group.organisations}:
        # A group without the one who makes it is not taken (seen with MISP 2.5.1).
        members.append({"extend": True, "Organisation": misp.named_organisation})
    body = {
        "uuid": group.uuid,
        "name": group.name,
        "releasability": "as agreed",
        "active": True,
        "roaming": False,
        "SharingGroupOrg": members,
    }
    misp.direct_call("sharing_groups/add", body)
    found = _look(misp, group)
    if found is None:
        raise Unavailable("the sharing group is not there after it was made")
    return found
