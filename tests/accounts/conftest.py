"""What the tests of accounts share."""

from __future__ import annotations

import pytest


@pytest.fixture
def admin(company, sign_in):
    """A browser of the administrator."""
    return sign_in(company.administrator)
