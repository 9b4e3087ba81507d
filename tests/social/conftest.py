"""These tests look at pages too: the street of the page tests."""

from tests.web.conftest import street as street
from tests.web.conftest import world as world
