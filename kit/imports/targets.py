"""Targets: what the columns of a sheet can become, as the product says it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .synonyms import words_for


class Kind(StrEnum):
    """What a target holds: how its values are recognised, repaired and offered in a template."""

    TEXT = "text"
    LONG_TEXT = "long text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    CHOICE = "choice"
    REGION = "region"
    PERSON = "person"  # somebody with an account
    NAME = "name"  # of a human being outside
    COMPANY = "company"
    PHONE = "phone"
    EMAIL = "email"
    WEBSITE = "website"
    ADDRESS = "address"
    CODE = "code"  # digits and letters: a number that is never counted with
    CREDIT_CODE = "credit code"  # 统一社会信用代码
    YES_NO = "yes no"


@dataclass(frozen=True)
class Target:
    """One column of the product.

    meaning: a key of synonyms.MEANINGS, whose words count as well. unit: of money, 万元 for example.
    choices: the texts of a choice, known regions and people: values like them betray the column, and a template offers
    them. group: 联系人 for the contact in the row of its customer; shown in front of the label.
    """

    key: str
    label: str
    synonyms: tuple[str, ...] = ()
    kind: Kind = Kind.TEXT
    required: bool = False
    unit: str | None = None
    meaning: str = ""
    choices: tuple[str, ...] = ()
    group: str = ""
    example: str = ""
    hint: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """Every name by which a head may call it, the own label first."""
        own = (self.label, f"{self.group}{self.label}") if self.group else (self.label,)
        return (*own, *self.synonyms, *words_for(self.meaning))

    @property
    def full_label(self) -> str:
        """The label as a list of targets shows it: 联系人 › 手机."""
        return f"{self.group} › {self.label}" if self.group else self.label

    @property
    def head(self) -> str:
        """The head of its column in a template, with the unit: 注册资本（万元）."""
        name = f"{self.group}{self.label}" if self.group and not self.label.startswith(self.group) else self.label
        return f"{name}（{self.unit}）" if self.unit else name
