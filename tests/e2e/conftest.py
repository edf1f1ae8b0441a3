"""What every end-to-end test may use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from tests.practice.fixture import (  # noqa: E402,F401
    practice, practice_internet, practice_ports)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "quick: part of ./test quick (under a minute in all)")
