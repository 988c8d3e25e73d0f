"""The fields of a customer, each said once and in the order of the form: everything that handles fields reads FIELDS.

Type, label, length and category of a field stand in the model; every column of the model has its row here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

BASIC, CONTACT, BUSINESS, FORMER = "基本信息", "联系方式", "工商与财务", "历史登记信息"
BLOCKS = (BASIC, CONTACT, BUSINESS, FORMER)
WHOLE_ROW = 6  # sixths
FOLDED = (FORMER,)  # blocks that are rarely filled: closed in the form, left out of the page when empty


class Kind(StrEnum):
    """How a value is shown, filtered, and read from a table."""

    TEXT = "text"
    CHOICE = "choice"  # of the model's choices
    ENTRY = "entry"  # of the dictionary
    SCORE = "score"  # one to five stars
    DAY = "day"
    TIME = "time"
    AMOUNT = "amount"
    LINK = "link"
    CUSTOMER = "customer"
    USER = "user"


class Place(StrEnum):
    """Where the list of customers has it."""

    PAGE = "page"  # on the page and in its file
    FILE = "file"
    NONE = ""


class Required(StrEnum):
    """Whether the form asks for what imports and 开发成功 may leave open."""

    ALWAYS = "always"
    STRICT = "strict"  # with CRM_STRICT_CUSTOMER_FORM
    NO = ""


class Merge(StrEnum):
    """What becomes of it when two customers are merged. What is not editable is compared, never taken over."""

    FILL = "fill"  # what is missing is taken over
    EARLIEST = "earliest"  # of two days the earlier one holds
    OWN = ""  # bookkeeping of the row itself


@dataclass(frozen=True)
class CustomerField:
    """One column of Customer.

    block: of the form and of 基本信息; none: in neither. width: in sixths of the form's row.
    short: the label where there is little room: lists, filters, 基本信息.
    form: asked by the form and read by the import; card: shown in 基本信息, as the head of the page does not.
    after: the field that it follows in lists and filters, where that is not the order of the form.
    counted: for 资料完整度. masked: a contact detail. personal: whether a text may name a person; every text says.
    """

    name: str
    block: str = ""
    width: int = 2
    kind: Kind = Kind.TEXT
    unit: str = ""
    short: str = ""
    form: bool = True
    card: bool = True
    column: Place = Place.FILE
    filter: bool = False
    after: str = ""
    required: Required = Required.NO
    counted: bool = False
    merge: Merge = Merge.FILL
    masked: bool = False
    personal: bool | None = None


def _bookkeeping(name: str, *, personal: bool | None = None) -> CustomerField:
    return CustomerField(name, column=Place.NONE, merge=Merge.OWN, personal=personal)


ALWAYS, STRICT, PAGE = Required.ALWAYS, Required.STRICT, Place.PAGE
FIELDS = (
    CustomerField("number", BASIC, form=False, column=PAGE, filter=True, personal=False),
    CustomerField("name", BASIC, 4, card=False, column=PAGE, filter=True, counted=True, personal=False),
    CustomerField("status", kind=Kind.CHOICE, column=PAGE),
    CustomerField("external_number", BASIC, personal=False),
    CustomerField(
        "region", BASIC, kind=Kind.ENTRY, card=False, column=PAGE, filter=True, required=ALWAYS, counted=True
    ),
    CustomerField("industry", BASIC, kind=Kind.ENTRY, filter=True, after="level", counted=True),
    CustomerField("level", BASIC, kind=Kind.ENTRY, card=False, column=PAGE, filter=True, required=ALWAYS, counted=True),
    CustomerField(
        "satisfaction", BASIC, 3, Kind.SCORE, short="满意度", card=False, column=PAGE, filter=True, required=ALWAYS,
        counted=True,
    ),
    CustomerField(
        "credit", BASIC, 3, Kind.SCORE, short="信用度", card=False, column=PAGE, filter=True, required=ALWAYS,
        counted=True,
    ),
    CustomerField("last_purchase_on", kind=Kind.DAY, column=PAGE, merge=Merge.OWN),
    CustomerField("manager", BASIC, kind=Kind.USER, card=False, column=PAGE, filter=True, after="region"),
    CustomerField("parent", BASIC, kind=Kind.CUSTOMER, after="national_tax_number"),
    CustomerField("cooperation_since", BASIC, kind=Kind.DAY, after="national_tax_number", merge=Merge.EARLIEST),
    CustomerField("address", CONTACT, WHOLE_ROW, required=ALWAYS, counted=True, personal=True),
    CustomerField("postcode", CONTACT, required=STRICT, counted=True, personal=False),
    CustomerField("phone", CONTACT, required=ALWAYS, counted=True, masked=True, personal=True),
    CustomerField("fax", CONTACT, required=STRICT, counted=True, personal=True),
    CustomerField("website", CONTACT, 3, Kind.LINK, required=STRICT, counted=True, personal=False),
    CustomerField("license_number", BUSINESS, 3, short="统一社会信用代码", counted=True, personal=False),
    CustomerField("legal_representative", BUSINESS, 3, required=STRICT, counted=True, personal=True),
    CustomerField("registered_capital", BUSINESS, 3, Kind.AMOUNT, "万元", counted=True),
    CustomerField("annual_turnover", BUSINESS, 3, Kind.AMOUNT, "万元", counted=True),
    CustomerField("bank", BUSINESS, 3, required=STRICT, counted=True, personal=False),
    CustomerField("bank_account", BUSINESS, 3, required=STRICT, counted=True, masked=True, personal=False),
    CustomerField("local_tax_number", FORMER, 3, personal=False),
    CustomerField("national_tax_number", FORMER, 3, personal=False),
    CustomerField("created_at", BASIC, kind=Kind.TIME, form=False),
    CustomerField("created_by", kind=Kind.USER, column=Place.NONE),
    *map(_bookkeeping, ("id", "version", "won_back_on", "deleted_at", "merged_into", "arrival")),
    *(_bookkeeping(f"name_{form}", personal=False) for form in ("normalized", "pinyin", "initials", "readings")),
)  # fmt: skip


def names(rows: Iterable[CustomerField]) -> tuple[str, ...]:
    return tuple(row.name for row in rows)


def in_list_order() -> list[CustomerField]:
    """Return the fields as lists and filters have them."""
    rows = [row for row in FIELDS if not row.after]
    for row in FIELDS:
        if row.after:
            rows.insert(names(rows).index(row.after) + 1, row)
    return rows


FORM_FIELDS = tuple(row for row in FIELDS if row.block and row.form)
ENTRY_NAMES = names(row for row in FORM_FIELDS if row.kind is Kind.ENTRY)
COUNTED_NAMES = names(row for row in FIELDS if row.counted)
REQUIRED_NAMES = names(row for row in FIELDS if row.required is Required.ALWAYS)
STRICT_NAMES = names(row for row in FIELDS if row.required is Required.STRICT)
MASKED_NAMES = names(row for row in FIELDS if row.masked)
PERSONAL_NAMES = names(row for row in FIELDS if row.personal)
IMPERSONAL_NAMES = names(row for row in FIELDS if row.personal is False)
UNITS = {row.name: row.unit for row in FIELDS if row.unit}
