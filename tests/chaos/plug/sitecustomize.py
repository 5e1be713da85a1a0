"""Runs at the start of each process of the suite; see :mod:`tests.chaos.fuses`."""

from tests.chaos.fuses import plug_in

plug_in()
