"""The house keeps its shape: who imports whom, how large things grow, and where rules may stand."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.forms import BaseForm, Widget
from django.views import View
from django_filters.filterset import BaseFilterSet

ROOT = Path(settings.BASE_DIR)
APPS = ("crm", "accounts", "basedata", "customers", "kit", "marketing", "services", "reports")
MODULES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if not {"migrations", "__pycache__"} & set(path.parts)
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = ROOT / "static"
STYLES = sorted((STATIC / "css").rglob("*.css"))
SCRIPTS = sorted((STATIC / "js").rglob("*.js"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_every_top_level_package_stands_in_the_layers():
    """What no contract names could import whatever it likes."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = {word for line in told["contracts"][0]["layers"] for word in line.split(" | ")}
    assert packages == set(told["root_packages"]) == layers == set(APPS)


def test_templates_named_in_docstrings_exist():
    names = {path.relative_to(ROOT / "templates").as_posix() for path in TEMPLATES}
    missing = []
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                named = re.findall(r"(?:templates/)?\b(\w+/[\w/]+\.html)\b", ast.get_docstring(node) or "")
                missing += [f"{name(path)}: {template}" for template in named if template not in names]
    assert missing == []


def test_there_is_something_to_look_at():
    assert len(MODULES) > 80
    assert len(TEMPLATES) > 40
    assert len(STYLES) > 15
    assert len(SCRIPTS) > 8


def test_calls_go_down_as_the_contract_says():
    """The contract of pyproject.toml, by import-linter."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


# Sizes


@pytest.mark.parametrize("part", ["kit/pages/", "kit/lists/"])
def test_the_kits_of_pages_and_of_lists_stay_small(part):
    """A page is understood from one file of its app; what it leans on is read in an afternoon."""
    modules = [path for path in MODULES if name(path).startswith(part)]
    assert 0 < sum(bool(line.strip()) for path in modules for line in lines(path)) <= 1400
    classes = [node for path in modules for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    assert {node.name for node in classes if node.end_lineno - node.lineno >= 120} == set()


# Each with the reason why it may be longer; an entry that is no longer true fails too.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
LONG_TEMPLATES: dict[str, str] = {}


def test_no_file_grows_past_500_lines():
    assert {name(path) for path in MODULES if len(lines(path)) > 500} == set(LONG_FILES)


def test_no_template_grows_past_150_lines():
    assert {name(path) for path in TEMPLATES if len(lines(path)) > 150} == set(LONG_TEMPLATES)


def test_no_style_grows_past_400_lines():
    assert {name(path) for path in STYLES if len(lines(path)) > 400} == set()


def test_no_script_grows_past_250_lines():
    assert {name(path) for path in SCRIPTS if len(lines(path)) > 250} == set()


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef))


def test_no_function_grows_past_30_lines():
    long = {f"{name(path)}:{node.name}" for path in MODULES for node in functions(path) if height(node) > 30}
    assert long == set(LONG_FUNCTIONS)


def height(node: ast.FunctionDef) -> int:
    return node.end_lineno - node.lineno + 1


# Styles and scripts: by component and by feature, each linked or imported by something

IMPORT = re.compile(r"""^(?:import|export)\b[^;]*?["'](\./[^"']+)["'];""", re.MULTILINE)


def modules_of(path: Path, seen: set[Path] | None = None) -> set[Path]:
    """Return the modules that one imports, and what these import."""
    seen = set() if seen is None else seen
    for found in IMPORT.findall(path.read_text()):
        module = (path.parent / found).resolve()
        if module not in seen:
            modules_of(module, seen | {module})
            seen |= {module, *modules_of(module, seen | {module})}
    return seen


def linked(template: str, tag: str) -> list[Path]:
    """Return the static files of ours that a template names in tags of this kind."""
    files = re.findall(rf"<{tag} [^>]*{{% static '((?:css|js)/[^']+)' %}}", template)
    for folder, names in re.findall(r"{% (stylesheets|preloads) ([^%]+) %}", template) if tag == "link" else []:
        files += [
            f"css/{one}.css" if folder == "stylesheets" else f"js/{one}.js" for one in re.findall(r'"(\w+)"', names)
        ]
    return [STATIC / file for file in files]


def test_every_style_and_script_is_linked_or_imported():
    """What nothing names is dead; what is named and missing stops collectstatic, but not the tests."""
    named = {file for path in TEMPLATES for tag in ("link", "script") for file in linked(path.read_text(), tag)}
    imported_by_some = {module for path in SCRIPTS for module in modules_of(path)}
    assert {name(path) for path in named | imported_by_some} == {name(path) for path in [*STYLES, *SCRIPTS]}


@pytest.mark.parametrize("template", ["skeleton.html", "outside/base.html"])
def test_modules_are_asked_for_before_the_entry_names_them(template):
    """A preload for each, and no other: without it the browser learns of an import only from the file before."""
    page = (ROOT / "templates" / template).read_text()
    entry = next(path for path in linked(page, "script") if modules_of(path))
    preloads = [file for file in linked(page, "link") if file.suffix == ".js"]
    assert sorted(preloads) == sorted(modules_of(entry))


def test_control_imports_of_every_form_are_seen():
    forms = ['import { a } from "./a.js";', 'import "./b.js";', "export {\n  c,\n} from './c.js';", 'x = "./d.js";']
    assert IMPORT.findall("\n".join(forms)) == ["./a.js", "./b.js", "./c.js"]


# Names

DRAWERS = {"utils", "util", "helpers", "helper", "common", "core", "managers", "services", "misc", "tools", "signals"}


def test_no_module_is_a_junk_drawer():
    inside = [path for path in MODULES if len(path.relative_to(ROOT).parts) > 1]
    parts = {name(path): {*path.relative_to(ROOT).parts[1:-1], path.stem} for path in inside}
    assert [module for module, words in parts.items() if words & DRAWERS] == []


# Rules

MODELS = [
    path
    for app in ("accounts", "marketing", "customers", "basedata", "services", "reports")
    for path in MODULES
    if path.parts[len(ROOT.parts)] == app
]


def test_pages_forms_and_filters_stand_on_two_classes_of_ours_at_most():
    """Own bases above a class; what is asked of a page is found in its file, its app's and the kit's."""
    import_module(settings.ROOT_URLCONF)
    deep = {
        f"{kind.__module__}.{kind.__qualname__}": [base.__name__ for base in own_bases(kind)]
        for base in (View, BaseForm, BaseFilterSet)
        for kind in _subclasses(base)
        if kind.__module__.split(".")[0] in APPS and len(own_bases(kind)) > 2
    }
    assert deep.keys() == DEEP.keys()


# With the reason why; an entry that is no longer true fails too.
DEEP: dict[str, str] = {}


def own_bases(kind: type) -> list[type]:
    return [base for base in kind.__mro__[1:] if base.__module__.split(".")[0] in APPS]


def sets_status(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        flat = [part for target in targets for part in ast.walk(target)]
        return any(isinstance(part, ast.Attribute) and part.attr == "status" for part in flat)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        changing = node.func.attr in ("update", "update_or_create", "change", "create")
        return changing and any(keyword.arg == "status" for keyword in node.keywords)
    return False


# The queue of background jobs keeps its own state, which is no record of the business; the demo makes up a past in
# bulk, whose dates no transition would take. The scan and the rounds belong to their models, in files of their own.
STATUS_ELSEWHERE = {
    "customers/churn/scan.py",
    "services/requests/rounds.py",
    "kit/jobs/tasks.py",
    "crm/demo/aftercare.py",
    "crm/demo/bulk.py",
    "crm/demo/clients.py",
    "crm/demo/stories.py",
    "crm/demo/trade.py",
}


def test_a_status_is_set_by_models_only():
    outside = [path for path in MODULES if path.stem != "models" and "models" not in path.parts]
    assert any(sets_status(node) for path in set(MODULES) - set(outside) for node in ast.walk(tree(path)))
    found = {name(path) for path in outside for node in ast.walk(tree(path)) if sets_status(node)}
    assert found == STATUS_ELSEWHERE


def test_rows_are_never_made_distinct():
    """A DISTINCT query cannot be locked and hides a join that doubles rows."""
    calls = [
        f"{name(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "distinct"
    ]
    assert calls == []


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


SPREADSHEETS = {"openpyxl", "xlsxwriter", "python_calamine", "csv", "xlrd", "xlwt", "pandas", "tablib"}


def test_spreadsheets_are_read_and_written_in_one_place():
    users = {name(path) for path in MODULES if imported(path) & SPREADSHEETS}
    assert users
    assert {user for user in users if not user.startswith(("kit/exchange/", "reports/"))} == set()


TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}")
CLASSES = re.compile(r'class="([^"]*)"')
HOOKS = {"views", "masked"}  # names by which only scripts, htmx and tests find a part


def test_every_class_of_a_template_stands_in_a_stylesheet():
    """A layout without a rule is one column, a heading without one sticks to the edge: no other test sees that."""
    styles = "".join(path.read_text() for path in (ROOT / "static/css").glob("*.css"))
    scripts = "".join(path.read_text() for path in (ROOT / "static/js").glob("*.js"))
    known = set(re.findall(r"\.([a-z][\w-]*)", styles))
    own = [path for path in TEMPLATES if not name(path).startswith("templates/admin/")]
    words = {
        word for path in own for value in CLASSES.findall(TAGS.sub(" ", path.read_text())) for word in value.split()
    }
    assert "card" in words & known
    assert {word for word in words - known - HOOKS if word not in scripts} == set()


# Text from outside is shown as text

UNESCAPED_MODULES = (
    "kit/lists/row_html.py",
    "kit/pages/html.py",
)  # cells and rows of lists by hand; every value is escaped
UNESCAPED_TEMPLATES: tuple[str, ...] = ()


def test_no_python_marks_text_as_safe():
    marks = re.compile(r"mark_safe|SafeString\(|SafeText|__html__|format_html\(\s*f[\"']")
    assert [name(path) for path in MODULES if marks.search(path.read_text())] == list(UNESCAPED_MODULES)


FORBIDDEN_IN_TEMPLATES = {
    "unescaped text": r"\|\s*safe\b|\|\s*safeseq\b|autoescape\s+off",
    "an inline style": r"<[^>]*\sstyle\s*=|<style\b",
    "an event handler": r"<[^>]*\son[a-z]+\s*=|hx-on",
    "an inline script": r"<script(?![^>]*\ssrc=)",
    "a script from elsewhere": r"(?:src|href)\s*=\s*[\"'](?:https?:)?//(?!\{)[^\"']*\.(?:js|css)",
    "a script address": r"[\"']\s*javascript:",
}


@pytest.mark.parametrize("what", FORBIDDEN_IN_TEMPLATES)
def test_templates_hold_nothing_the_content_policy_would_block(what):
    pattern = re.compile(FORBIDDEN_IN_TEMPLATES[what], re.IGNORECASE)
    found = [name(path) for path in TEMPLATES if pattern.search(path.read_text())]
    assert found == list(UNESCAPED_TEMPLATES)


def test_markup_made_in_python_has_no_inline_style_or_handler():
    pattern = re.compile(r"<[a-z][^>]*\s(?:style|on[a-z]+)\s*=", re.IGNORECASE)
    found = [
        f"{name(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.search(node.value)
    ]
    assert found == []


PROBES = {
    "unescaped text": ("{{ name|safe }}", "{{ name|safename }}"),
    "an inline style": ('<p class="a" style="color:red">', '<p data-style="a">'),
    "an event handler": ('<a href="#" onclick="x()">', "<a data-one='1'>once = now"),
    "an inline script": ("<script>x()</script>", '<script src="a.js"></script>'),
    "a script from elsewhere": ('<script src="https://cdn/x.js">', "<script src=\"{% static 'js/app.js' %}\">"),
    "a script address": ('<a href="javascript:x()">', '<a href="/javascript/">'),
}


@pytest.mark.parametrize("what", PROBES)
def test_control_each_pattern_sees_the_fault_and_nothing_else(what):
    bad, good = PROBES[what]
    pattern = re.compile(FORBIDDEN_IN_TEMPLATES[what], re.IGNORECASE)
    assert pattern.search(bad)
    assert not pattern.search(good)


@pytest.mark.parametrize(
    "code", ["a.status = 1", "a.status, b = 1, 2", "rows.update(status=1)", "change(by, 'x', a); o.change(status=1)"]
)
def test_control_an_assigned_status_is_seen(code):
    assert any(sets_status(node) for node in ast.walk(ast.parse(code)))


# Tests: pages are read by tests/html.py, fixtures stand in conftest.py, names can be read at one go

TESTS = sorted((ROOT / "tests").rglob("*.py"))
TAG = re.compile(r"(?<!\(\?P)<(?:(?!\w+:)/?[a-z]|\[\^)", re.IGNORECASE)  # <id:pk> is a part of a route
MARKUP = re.compile(rf"{TAG.pattern}|\bclass=|href=|\b(?:name|value|type|role|id|aria-\w+)=\"", re.IGNORECASE)
CUTTING = {"split", "rsplit", "partition", "rpartition", "index", "rindex", "find", "rfind", "count"}
OF_SOURCES = {
    "tests/test_architecture.py",  # it reads templates and modules, which are no HTML yet
    "tests/upgrade/make.py",  # runs beside the code of the first edition, which knew no other way
}


def looked_for(call: ast.Call) -> list[str]:
    """Return the literal pieces of the first argument, a pattern or a piece of text."""
    pieces = [part.value for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant)] if call.args else []
    return [piece.decode("latin-1") if isinstance(piece, bytes) else str(piece) for piece in pieces]


def reads_markup(node: ast.AST) -> bool:
    """Return whether a tag is matched by a regular expression, or text cut at one."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "re"  # its functions keep their first name, by which they are known here
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if ast.unparse(node.func.value) == "re":
        return any(MARKUP.search(piece) for piece in looked_for(node))
    return node.func.attr in CUTTING and any(TAG.search(piece) for piece in looked_for(node))


def test_tests_read_html_by_elements_and_never_by_patterns():
    found = {f"{name(path)}:{node.lineno}" for path in TESTS for node in ast.walk(tree(path)) if reads_markup(node)}
    assert {where for where in found if where.split(":")[0] not in OF_SOURCES} == set()


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ('re.findall(r\'<a href="([^"]+)">\', page)', True),
        ("re.search(rf'{tag} class=\"n\">(\\d+)', page)", True),
        ('re.compile(r\'name="opened" value="(.+?)"\')', True),
        ("re.sub(r'<[^>]+>', '', page)", True),
        ("page.content.split(b'<tr')[1]", True),
        ("page.index('</table>')", True),
        ("from re import findall", True),
        ("re.search(r'role=\"(?:status|alert)\">', page)", True),
        ("route.index('<id:')", False),
        ("re.search(r'(?P<year>20..) 年', words)", False),
        ("re.findall(r'共 (\\d+) 页', text(find(page, 'a[href=\"/x/\"]')))", False),
        ("html.find(page, 'input[name=\"q\"]')", False),
        ("'<b>' in stored", False),
    ],
)
def test_control_a_pattern_over_html_is_seen(code, caught):
    assert any(reads_markup(node) for node in ast.walk(ast.parse(code))) is caught


def comments(source: str) -> list[str]:
    """Return the comments of a module."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def hides_a_fixture(source: str) -> bool:
    """Return whether a module silences the warning about a fixture under the name of an import."""
    return any("noqa" in comment and "F811" in comment for comment in comments(source))


def fixtures_of(path: Path) -> set[str]:
    """Return the names of the fixtures that a module defines."""
    return {f.name for f in functions(path) if any("fixture" in ast.unparse(mark) for mark in f.decorator_list)}


def borrowed(path: Path) -> set[str]:
    """Return the fixtures that a module imports from a test module."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2].startswith("test_"):
            folder = path.parents[node.level - 1] if node.level else ROOT
            source = folder.joinpath(*node.module.split(".")).with_suffix(".py")
            found |= {alias.name for alias in node.names} & fixtures_of(source)
    return found


def test_no_fixture_is_imported_from_a_test_module():
    """Fixtures of several modules stand in the nearest conftest.py, where pytest finds them by their name."""
    assert {name(path) for path in TESTS if hides_a_fixture(path.read_text())} == set()
    assert {name(path): found for path in TESTS if (found := borrowed(path))} == {}


def test_control_an_imported_fixture_is_seen(tmp_path):
    (tmp_path / "test_a.py").write_text("@pytest.fixture(scope='module')\ndef world(): ...\ndef plain(): ...\n")
    (tmp_path / "test_b.py").write_text("from .test_a import plain, world\n")
    (tmp_path / "test_c.py").write_text("from .test_a import plain\n")
    assert borrowed(tmp_path / "test_b.py") == {"world"}
    assert borrowed(tmp_path / "test_c.py") == set()
    assert hides_a_fixture("def test_it(world):  # noqa: F811\n    pass\n")
    assert not hides_a_fixture("import world  # noqa: F401\nwords = '# noqa: F811'\n")


def too_long(names: list[str]) -> list[str]:
    """Return the names of tests that nobody reads at one go."""
    return [each for each in names if each.startswith("test_") and len(each) > 90]


def test_names_of_tests_are_read_at_one_go():
    assert {name(path): long for path in TESTS if (long := too_long([f.name for f in functions(path)]))} == {}


def test_control_a_long_name_is_seen():
    assert too_long(["test_" + "a" * 86, "test_" + "b" * 85, "helper_" + "c" * 90]) == ["test_" + "a" * 86]


def test_every_kind_of_widget_a_template_asks_for_exists():
    """A renamed widget class changes widget_type: the branch for it would never be drawn again, without an error."""
    import_module(settings.ROOT_URLCONF)  # with it every form there is
    known = {kind.__name__.lower().removesuffix("widget").removesuffix("input") for kind in _subclasses(Widget)}
    asked = {
        (name(path), literal)
        for path in TEMPLATES
        for literal in re.findall(r'(?:widget_type|\bkind) == "(\w+)"', path.read_text())
        if "widget_type" in path.read_text()
    }
    assert asked
    assert {(path, literal) for path, literal in asked if literal not in known} == set()


def _subclasses(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)
