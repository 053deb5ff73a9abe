"""The toy as it is shown."""

import pytest

from jaxsplat.data.views import View
from jaxsplat.viewing import Exhibit
from tests.helpers import shown


@pytest.fixture(scope="package")
def toy_views() -> tuple[View, ...]:
    """Returns photographs of the toy."""
    return shown.views()


@pytest.fixture(scope="package")
def toy(toy_views: tuple[View, ...]) -> Exhibit:
    """Returns the toy with two photographs, the second one defective."""
    return shown.exhibit(toy_views)
