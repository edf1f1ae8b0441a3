"""A small real Internet on loopback; see README.md."""

from tests.practice.internet import PracticeInternet, delivered_to, original
from tests.practice.processes import PracticeError

__all__ = ["PracticeError", "PracticeInternet", "delivered_to", "original"]
