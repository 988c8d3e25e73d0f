"""Collected as in production: each module is imported under the name of its content."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings as product
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.management import call_command

from crm.static_files import PublicStaticFilesStorage

MODULES = sorted((Path(product.BASE_DIR) / "static" / "js").glob("*.js"))
TARGET = re.compile(r"""^import\b[^;]*?["']\./([^"']+)["'];""", re.MULTILINE)


@pytest.fixture
def collected(settings, tmp_path):
    """All static files of the product, gone through its own storage."""
    settings.STATIC_ROOT, settings.WHITENOISE_SKIP_COMPRESS_EXTENSIONS = tmp_path / "static", ["css", "js", "svg"]
    storage = {"BACKEND": "crm.static_files.PublicStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": storage}
    call_command("collectstatic", interactive=False, verbosity=0)
    return settings.STATIC_ROOT


def test_every_import_leads_to_the_collected_module(collected):
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]
    for module in MODULES:
        source = (collected / names[f"js/{module.name}"]).read_text()
        expected = [names[f"js/{target}"] for target in TARGET.findall(module.read_text())]
        assert [f"js/{target}" for target in TARGET.findall(source)] == expected
        assert all((collected / target).exists() for target in expected)


def test_urls_follow_what_is_collected_anew(collected, settings):
    storage = PublicStaticFilesStorage(location=collected)
    former = storage.url("js/dom.js")
    changed = collected / "js" / "dom.js"
    changed.write_text("export const changed = true;\n")
    list(storage.post_process({"js/dom.js": (StaticFilesStorage(location=collected), "js/dom.js")}))
    assert storage.url("js/dom.js") != former
    assert storage.url("js/dom.js") == storage.url("js/dom.js")
