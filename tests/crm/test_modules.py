"""A module says once what it is: all are listed, what they name exists, and nobody names one above by a string."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.template.loader import get_template
from django.urls import reverse

from accounts.roles.permissions import permission_name
from crm.modules import MODULES
from crm.navigation import sections
from crm.role_check import routes
from kit.domain import modules as floor
from tests import factories

ROOT = Path(settings.BASE_DIR)


# The accessor


def test_asked_too_early_it_says_who_sets_the_modules(monkeypatch):
    monkeypatch.setattr(floor, "_modules", [])
    with pytest.raises(floor.ModulesNotReady, match=r"crm/apps\.py"):
        floor.modules()
    with pytest.raises(floor.ModulesNotReady):
        floor.lent(object)


def test_the_modules_are_set_once():
    assert floor.modules() == MODULES
    with pytest.raises(RuntimeError, match="already"):
        floor.set_modules(MODULES)


READY = """
import sys, django
django.setup()
from kit.domain.modules import modules
assert "crm.handover" not in sys.modules and "crm.urls" not in sys.modules
print([module.leaving.name for module in modules() if module.leaving])
"""


def test_open_work_is_known_without_any_page_of_the_roof():
    environment = {"DJANGO_SETTINGS_MODULE": "crm.settings", "CRM_VAR_DIR": str(settings.VAR_DIR)}
    done = subprocess.run(
        [sys.executable, "-c", READY], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['customers', 'opportunities', 'requests']"


# All are listed


def without_module(names: Iterator[str], folder: Path) -> list[str]:
    """Return the apps that have URLs and no module.py."""
    return [name for name in names if (folder / name / "urls.py").exists() > (folder / name / "module.py").exists()]


def test_every_app_with_urls_has_its_module_on_the_list():
    own = [config for config in apps.get_app_configs() if Path(config.path).parent in (ROOT, ROOT / "kit")]
    assert len(own) > 8
    assert without_module((str(Path(config.path).relative_to(ROOT)) for config in own), ROOT) == []
    written = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("*/module.py")}
    assert len(written) == len(MODULES)
    assert all(import_module(name).MODULE in MODULES for name in written)


def test_control_an_app_without_a_module_is_seen(tmp_path):
    for name, files in {"a": ["urls.py", "module.py"], "b": ["urls.py"], "c": []}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).touch()
    assert without_module(iter("abc"), tmp_path) == ["b"]


def test_labels_icons_and_places_are_each_modules_own():
    assert len({module.name for module in MODULES}) == len({module.order for module in MODULES}) == len(MODULES)
    chapters = [chapter for module in MODULES for chapter in module.help]
    assert len({chapter.order for chapter in chapters}) == len(chapters)
    assert all(get_template(chapter.template) for chapter in chapters)


# What they name exists


@pytest.fixture
def permissions(db):
    return {permission_name(permission) for permission in Permission.objects.select_related("content_type")}


def test_every_menu_item_opens_and_stands_in_a_section(permissions):
    items = [item for module in MODULES for item in module.menu]
    assert [item for section in sections() for item in section.items if item not in items] == []
    assert sum(len(section.items) for section in sections()) == len(items) > 25
    assert {item.permission for item in items} <= permissions
    assert all(reverse(item.url_name) for item in items)
    assert {item.after for item in items if item.after} <= {item.url_name for item in items}


def test_the_menu_stands_as_the_company_knows_it():
    words = {section.label: [item.label for item in section.items] for section in sections()}
    assert list(words) == ["营销管理", "客户管理", "服务管理", "统计报表", "权限管理", "基础数据"]
    assert words["基础数据"] == ["数据字典", "工作日历", "服务时限", "产品信息查询", "库存数据查询", "数据同步"]


def test_every_number_of_the_menu_is_counted(db):
    everything = factories.UserFactory(is_superuser=True)
    for module in MODULES:
        counted = set(module.waiting.counts(everything)) if module.waiting else set()
        counters = {item.counter for item in module.menu if item.counter}
        assert {name for name in counted if not name.endswith("_due")} == counters


def test_pages_that_ask_inside_exist_and_ask_for_a_permission_there_is(permissions):
    pages = dict(chain.from_iterable(module.pages.items() for module in MODULES))
    assert set(pages) <= {name for name, _, _ in routes()}
    assert set(chain.from_iterable(page.permission.split("|") for page in pages.values())) <= permissions


# Nobody names an app above: an import is seen by import-linter, a string is seen here

RANKS = {"kit": 0, "basedata": 1, "accounts": 2, "customers": 3, "marketing": 4, "services": 4, "reports": 5, "crm": 6}
BELOW = [name for name in RANKS if name != "crm"]
TEMPLATES_OF = {"ui": "kit", "exchange": "kit"}
LOOKING_UP = {"get_model", "get_app_config", "import_string", "import_module"}
# The one table of shipped permissions, as the design wants it: an administrator's roles reach over all modules.
EXEMPT = {"accounts/roles/shipped.py"}
FRAME = {"ui/me.html"}  # drawn by base.html only: the frame of every page belongs to the roof


def not_below(app: str) -> list[str]:
    """Return the apps that this one may not name: those above and beside it."""
    return [name for name, rank in RANKS.items() if name != app and rank >= RANKS[app]]


def accessors(app: str) -> set[str]:
    """Return the names by which Django lets this app's models reach rows of apps above."""
    label = {"kit": ("audit", "jobs", "ui", "exchange")}.get(app, (app,))
    related = [
        field for model in apps.get_models() if model._meta.app_label in label for field in model._meta.related_objects
    ]
    above = [field for field in related if field.related_model._meta.app_label in not_below(app)]
    return {field.get_accessor_name() for field in above if field.related_name and not field.hidden}


def docstrings(tree: ast.Module) -> set[ast.AST]:
    holders = [node for node in ast.walk(tree) if hasattr(node, "body") and isinstance(node.body, list)]
    first = [node.body[0] for node in holders if node.body]
    return {node.value for node in first if isinstance(node, ast.Expr)}


def names_above(source: str, app: str, relations: set[str]) -> list[str]:
    """Return the strings of a module that name an app above: permissions, URLs, dotted paths, relations."""
    tree = ast.parse(source)
    pattern = re.compile(rf"(?<![\w./-])({'|'.join(not_below(app))})[.:]\w")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    silent = docstrings(tree) | {node.args[0] for node in calls if ast.unparse(node.func).endswith("getLogger")}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    found = [
        node.value for node in texts if node not in silent and (pattern.search(node.value) or node.value in relations)
    ]
    found += [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in relations]
    conditions = [node.arg or "" for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    found += [condition for condition in conditions if condition.split("__")[0] in relations]
    lookups = [node.args[0] for node in calls if ast.unparse(node.func).rpartition(".")[2] in LOOKING_UP]
    found += [node.value for node in lookups if isinstance(node, ast.Constant) and node.value in not_below(app)]
    return found


def sources(app: str) -> Iterator[Path]:
    return (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


@pytest.mark.parametrize("app", BELOW)
def test_no_string_of_an_app_names_one_above(app):
    relations = accessors(app)
    found = {str(path.relative_to(ROOT)): names_above(path.read_text(), app, relations) for path in sources(app)}
    assert {name: strings for name, strings in found.items() if strings and name not in EXEMPT} == {}


def test_exempt_modules_still_need_it():
    assert all(names_above((ROOT / name).read_text(), name.split("/")[0], set()) for name in EXEMPT)


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ('user.has_perm("marketing.assign_opportunity")', True),
        ('reverse("services:archive")', True),
        ('rows = """customers.view_customer services.view_servicerequest"""', True),
        ("url = f\"{reverse('reports:churn')}?a=1\"", True),
        ('Customer._meta.get_field("service_requests")', True),
        ("customer.service_requests.visible_to(user)", True),
        ("rows.filter(service_requests__assignee=user)", True),
        ('apps.get_model("services", "ServiceRequest")', True),
        ('import_string("crm.search.find")', True),
        ('user.has_perm("customers.view_customer")', False),
        ('user.has_perm("accounts.administer")', False),
        ('logging.getLogger("crm.rollups")', False),
        ('"""See services.rate above."""', False),
        ('"/services/new/"', False),
        ('"services"', False),
    ],
)
def test_control_a_string_that_names_an_app_above_is_seen(code, seen):
    assert bool(names_above(code, "customers", {"service_requests"})) is seen


def test_control_relations_of_apps_above_are_known():
    assert {"service_requests", "opportunities"} <= accessors("customers")
    assert "orders" not in accessors("customers")


def templates_above(text: str, app: str) -> list[str]:
    """Return the URLs, permissions and templates of apps above that a template names."""
    names = "|".join(not_below(app))
    return re.findall(rf"[\"'](?:{names})[:/]\w+|perms\.(?:{names})\.\w+", text)


def test_no_template_of_an_app_names_one_above():
    found = {}
    for folder in (ROOT / "templates").iterdir():
        app = TEMPLATES_OF.get(folder.name, folder.name)
        if app in BELOW:
            for path in folder.rglob("*.html"):
                found[str(path.relative_to(ROOT / "templates"))] = templates_above(path.read_text(), app)
    assert len(found) > 60
    assert {name for name, words in found.items() if words} == FRAME


def test_control_a_template_that_names_an_app_above_is_seen():
    text = "{% url 'services:archive' %}{% include \"marketing/x.html\" %}{% if perms.reports.view_reports %}"
    assert len(templates_above(text, "customers")) == 3
    assert templates_above(text, "crm") == []
