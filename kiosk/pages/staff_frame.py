"""What every page for staff has: their name in the band, no badge, a way out."""

from dataclasses import replace

from kiosk.domain.snapshot import Snapshot
from kiosk.pages.frame import framed
from kiosk.pages.page import Choice, Page
from kiosk.pages.tongue import Said, Tongue, choice


def staff_page(snapshot: Snapshot, tongue: Tongue, title: Said, **parts: object) -> Page:
    who = snapshot.staff.who if snapshot.staff else ""
    return replace(framed(snapshot, tongue, title, badge=None, **parts), staff=True, who=who)


def sign_out(tongue: Tongue) -> Choice:
    return choice("sign_out", tongue.say("Sign out"), kind="band")
