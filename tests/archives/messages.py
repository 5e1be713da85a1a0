"""HL7 v2 messages written by hand for the tests; no person in them exists."""

from __future__ import annotations

MSH = "MSH|^~\\&|RIS|NORTHGATE|MARROW|AUDIT|20210305101500||ORU^R01|M1|P|2.5.1"
PID = "PID|1||55012^^^NORTHGATE^MR~99^^^NATIONAL^NI||EXAMPLE^ANNA||19740312|F"
OBR = "OBR|1|PL1|ACC77|HIPL^MRI HIP LEFT|||20210304091000|||||||||||||||20210305101000||MRI|F"


def oru(*observations: str, msh: str = MSH, pid: str = PID, obr: str = OBR, end: str = "\r") -> str:
    """Return one message; each observation is an OBX from its second field on."""
    lines = [msh, pid, obr]
    lines += [f"OBX|{n}|{rest}" for n, rest in enumerate(observations, start=1)]
    return end.join(lines) + end


def tx(text: str) -> str:
    """Return a text observation."""
    return f"TX|18748-4^Diagnostic imaging report^LN|1|{text}||||||F"
