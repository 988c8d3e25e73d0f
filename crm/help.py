"""帮助: what each page is for and what the states mean."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from kit.domain.modules import modules


class Help(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        chapters = sorted((part for module in modules() for part in module.help), key=lambda part: part.order)
        return render(request, "help.html", {"title": "帮助", "chapters": chapters})
