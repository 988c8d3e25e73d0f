"""The modules of the product, from low to high: a new one is its folder and a line here."""

from __future__ import annotations

from typing import Any

import accounts.module
import basedata.module
import customers.module
import marketing.module
import reports.module
import services.module
from kit.domain.modules import Module

from . import module

MODULES: tuple[Module[Any], ...] = (
    basedata.module.MODULE,
    accounts.module.MODULE,
    customers.module.MODULE,
    marketing.module.MODULE,
    services.module.MODULE,
    reports.module.MODULE,
    module.MODULE,
)
