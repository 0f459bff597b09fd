"""The processes and jobs of a running rededge in pygeoapi: nothing here knows a process by name."""

from .manager import Manager
from .processor import Processor

__all__ = ["Manager", "Processor"]
