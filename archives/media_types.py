"""Names of the kinds of embedded documents, for reasons and remarks.

A sender may write anything where a kind should stand, a patient's name too; so only kinds that are
known are named, and what else there is is told without its words.
"""

from __future__ import annotations

_KNOWN = frozenset(
    {
        *("application/dicom", "application/hl7-cda+xml", "application/json", "application/msword"),
        *("application/octet-stream", "application/pdf", "application/postscript"),
        *("application/rtf", "application/xhtml", "application/xhtml+xml", "application/xml"),
        *("application/zip", "application/x-pdf", "application/x-hl7-cda-level-one+xml"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        *("audio/mpeg", "audio/wav", "image/bmp", "image/gif", "image/jpeg", "image/png"),
        *("image/svg+xml", "image/tiff", "text/html", "text/markdown", "text/plain", "text/rtf"),
        *("text/x-markdown", "text/xml", "video/mp4"),
        # As HL7 v2 writes them (tables 0191 and 0291), in lower case.
        *("ap/pdf", "im/jpeg", "im/tiff", "multipart/x-hl7-cda-level-one", "ns/pdf", "sd/dicom"),
    }
)


def named_type(kind: str) -> str:
    """Return a media type if it is a known one, else what can be said of it."""
    name = kind.strip().lower()
    if name in _KNOWN:
        return name
    return "unknown" if not name.strip("/") else "a type of another name"
