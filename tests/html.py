"""Read the HTML of answers as a browser would: forms, tables, tabs, links, messages. No test matches tags itself.

Each function takes a response, HTML text, or an element found before, and returns text with white space collapsed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from django.http import HttpResponse
from lxml import html as parser
from lxml.html import FormElement, HtmlElement

INLINE = {
    "a", "abbr", "b", "bdi", "code", "del", "em", "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span",
    "strong", "sub", "sup", "time", "u", "var", "wbr",
}  # fmt: skip
Source: TypeAlias = "HttpResponse | str | bytes | HtmlElement"


def parse(source: Source) -> HtmlElement:
    """Return the root element of a page or fragment; an element is returned as it is."""
    if isinstance(source, HtmlElement):
        return source
    content = source if isinstance(source, (str, bytes)) else source.content
    markup = content.decode() if isinstance(content, bytes) else content
    if "<html" in markup:
        return parser.document_fromstring(markup)
    return parser.fragment_fromstring(markup, create_parent="div")


def find_all(source: Source, selector: str, *, containing: str = "") -> list[HtmlElement]:
    """Return the elements of a CSS selector in the page's order, those whose text contains `containing`."""
    return [element for element in parse(source).cssselect(selector) if containing in text(element)]


def find(source: Source, selector: str, *, containing: str = "") -> HtmlElement:
    """Return the only element of a CSS selector; none or several fail the test with what was there."""
    elements = find_all(source, selector, containing=containing)
    assert len(elements) == 1, f"{len(elements)} elements for {selector!r} {containing!r}: {texts_of(elements)[:5]}"
    return elements[0]


def text(source: Source) -> str:
    """Return what a reader sees, white space collapsed; scripts and styles say nothing."""
    return " ".join("".join(_pieces(parse(source))).split())


def texts(source: Source, selector: str) -> list[str]:
    """Return the texts of the elements of a CSS selector, in order."""
    return texts_of(find_all(source, selector))


def texts_of(elements: list[HtmlElement]) -> list[str]:
    """Return the text of each element."""
    return [text(element) for element in elements]


def _pieces(element: HtmlElement) -> Iterator[str]:
    """Yield the text of an element piece by piece, a space around whatever stands in a box of its own."""
    apart = " " if element.tag not in INLINE else ""
    yield apart
    if element.tag not in ("script", "style", "template"):
        yield element.text or ""
        for child in element.iterchildren(tag=None):
            if isinstance(child.tag, str):  # neither comment nor processing instruction
                yield from _pieces(child)
            yield child.tail or ""
    yield apart


def links(source: Source, selector: str = "a[href]") -> list[tuple[str, str]]:
    """Return (text, URL) of each link, in order, duplicates kept."""
    return [(text(link), str(link.get("href"))) for link in find_all(source, selector)]


def urls(source: Source, selector: str = "a[href]") -> list[str]:
    """Return the URL of each link, in order."""
    return [url for _, url in links(source, selector)]


def rows(source: Source, selector: str = "table.tbl tbody tr") -> list[list[str]]:
    """Return the texts of the cells of each row of a table."""
    return [texts(row, "td, th") for row in find_all(source, selector)]


def tabs(source: Source) -> list[tuple[str, str]]:
    """Return (label, count) of each state tab of a list; a tab without a count has an empty one."""
    found = []
    for tab in find_all(source, "nav.states a"):
        count = "".join(texts(tab, "span.n"))
        label = text(tab)
        found.append((label.removesuffix(count).strip(), count))
    return found


def errors(source: Source) -> list[str]:
    """Return the messages beside fields, in order."""
    return texts(source, "p.err")


def messages(source: Source, tone: str = "") -> list[str]:
    """Return the messages above the page, of one tone ("green", "red", "amber") or all."""
    return texts(source, f".msg{'.' + tone if tone else ''}")


def form(source: Source, selector: str = "form.card[method=post]") -> HtmlElement:
    """Return the only form of a CSS selector; the page's main form if none is given."""
    return find(source, selector)


def values(source: Source, selector: str = "form.card[method=post]") -> dict[str, str | list[str]]:
    """Return what a browser would send for a form: {name: value}, a list where a name is sent more than once."""
    sent: dict[str, str | list[str]] = {}
    element = form(source, selector) if not _is_form(source) else parse(source)
    written = {area.get("name") for area in element.iter("textarea")}
    for box in element.iter("input"):  # a browser sends an empty value where lxml sends nothing
        if "value" not in box.attrib and box.get("type") not in ("checkbox", "radio"):
            box.set("value", "")
    assert isinstance(element, FormElement)
    for name, stored in element.form_values():
        value = stored.removeprefix("\n") if name in written else stored  # a browser drops the first line break
        before = sent.get(name)
        sent[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    return sent


def _is_form(source: Source) -> bool:
    return isinstance(source, HtmlElement) and source.tag == "form"


def choices(source: Source, name: str) -> list[tuple[str, str]]:
    """Return (value, label) of each option of the select of that name."""
    return [
        (str(option.get("value", "")), text(option)) for option in find_all(source, f'select[name="{name}"] option')
    ]


def markup(response: HttpResponse) -> str:
    """Return the HTML as it was sent: for words that stand nowhere in it, not even in an attribute."""
    return response.content.decode()


def value(source: Source, name: str) -> str:
    """Return what the only input of that name holds, hidden ones included."""
    return str(find(source, f'input[name="{name}"]').get("value", ""))


def notices(source: Source) -> list[str]:
    """Return what the page announces above its content, without what merely stands there."""
    return texts(source, ".msg[role]")


def buttons(source: Source) -> dict[str, bool]:
    """Return {label: whether it leads somewhere} of the links drawn as buttons in the head and beside the record."""
    found = find_all(source, "a.btn")
    return {text(button): "href" in button.attrib and button.get("aria-disabled") != "true" for button in found}


def written(source: Source, selector: str = "textarea") -> list[str]:
    """Return what stands in each text area, as a browser shows it: without the first line break."""
    return [(area.text or "").removeprefix("\n") for area in find_all(source, selector)]


def menu(source: Source) -> dict[str, str]:
    """Return {label: number of what waits there} of the menu's items; an empty text where nothing waits."""
    items = {}
    for item in find_all(source, ".side nav a"):
        count = "".join(texts(item, "span.n"))
        items[text(item).removesuffix(count)] = count
    return items
