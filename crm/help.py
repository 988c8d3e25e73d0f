"""帮助: what each page is for and what the states mean."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import View

from kit.domain.modules import modules

HEADING = re.compile(r'<section id="([\w-]+)">\s*<h2>([^<]+)</h2>')


class Help(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        parts = sorted((part for module in modules() for part in module.help), key=lambda part: part.order)
        chapters = [render_to_string(part.template, request=request) for part in parts]
        contents = [heading for chapter in chapters for heading in HEADING.findall(chapter)]
        return render(request, "help.html", {"title": "帮助", "chapters": chapters, "contents": contents})
