"""The live feed of HL7 v2 messages over MLLP: a RIS sends each report as it is signed."""

from api.mllp.listener import Listener
from api.mllp.receiving import Receiver
from api.mllp.settings import MllpSettings

__all__ = ["Listener", "MllpSettings", "Receiver"]
