"""帮助: what each page is for and what the states mean."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from typing import NamedTuple, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import View

from accounts.models import User
from kit.domain.modules import Chapter, modules


class Help(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        ordered = own_first(cast(User, request.user))
        drawn = [render_to_string(chapter.template, request=request) for chapter in ordered]
        contents = [(part.anchor, part.title) for chapter in ordered for part in sections_of(chapter.template)]
        return render(request, "help.html", {"title": "帮助", "chapters": drawn, "contents": contents})


def chapters() -> list[Chapter]:
    return sorted((part for module in modules() for part in module.help), key=lambda part: part.order)


def own_first(user: User) -> list[Chapter]:
    """Return the chapters, first those on pages that stand in the user's menu."""
    own = {
        chapter
        for module in modules()
        for chapter in module.help
        if not module.menu or any(user.has_perms(item.permissions) for item in module.menu)
    }
    return sorted(chapters(), key=lambda chapter: chapter not in own)


class Section(NamedTuple):
    """A section of the help: its anchor, its heading, and all its words."""

    anchor: str
    title: str
    text: str


def help_sections() -> tuple[Section, ...]:
    """Return the sections of all chapters, in their order."""
    return tuple(section for chapter in chapters() for section in sections_of(chapter.template))


@cache
def sections_of(template: str) -> tuple[Section, ...]:
    """Return the sections of a chapter."""
    reader = SectionReader()
    reader.feed(render_to_string(template))
    return tuple(Section(*section) for section in reader.sections if section[1])


class SectionReader(HTMLParser):
    """Collects [anchor, heading, words] of each section."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[list[str]] = []
        self.in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self.sections.append([dict(attrs).get("id") or "", "", ""])
        self.in_heading = tag == "h2"

    def handle_endtag(self, tag: str) -> None:
        self.in_heading = False

    def handle_data(self, data: str) -> None:
        if self.sections:
            self.sections[-1][1] += data if self.in_heading else ""
            self.sections[-1][2] += data
