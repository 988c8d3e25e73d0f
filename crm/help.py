"""帮助: what each page is for and what the states mean."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View


class Help(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "help.html", {"title": "帮助"})
