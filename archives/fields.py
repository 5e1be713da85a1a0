"""Single values as hospital systems write them, turned into the report's metadata.

Every function gives ``None`` for what it cannot read with certainty: a wrong age or date would
change an assessment, a missing one only leaves it open.
"""

from __future__ import annotations

import re
from datetime import date

MAX_AGE_YEARS = 130

_SEX = {
    "m": "M", "male": "M", "man": "M", "f": "F", "female": "F", "woman": "F", "w": "F",
    # The concepts of OMOP's gender_concept_id.
    "8507": "M", "8532": "F",
}  # fmt: skip

_MODALITY = {
    "MR": "MR", "MRI": "MR", "NMR": "MR", "CT": "CT", "CAT": "CT", "CR": "CR", "DX": "DX",
    "DR": "DX", "XR": "DX", "X-RAY": "DX", "XRAY": "DX", "RG": "CR", "RF": "RF", "XA": "XA",
    "US": "US", "USS": "US", "NM": "NM", "PT": "PT", "PET": "PT", "MG": "MG",
    "BMD": "BMD", "BD": "BMD", "DXA": "BMD", "DEXA": "BMD",
}  # fmt: skip

_PREGNANCY = {
    "pregnant": "pregnant", "y": "pregnant", "yes": "pregnant", "true": "pregnant",
    "postpartum": "postpartum", "post-partum": "postpartum",
    "none": "none", "n": "none", "no": "none", "false": "none", "not pregnant": "none",
}  # fmt: skip

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{2,6}(?:\.\d+)?(?:[+-]\d{4})?)?$")
_SLASHED = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?!\d)")
_NAMED = re.compile(r"(\d{1,2})[ \-/]([A-Za-z]{3})[a-z]*[ \-/,]+(\d{4})(?!\d)")
_YEAR_FIRST = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(?!\d)")
_AGE = re.compile(
    r"(\d{1,3})(?:\.\d+)?\s*(?:(y|yrs?|years?|yo|y/o)|(m|months?)|(w|weeks?)|(d|days?))?\.?"
    r"(?:\s*old)?$",
    re.IGNORECASE,
)


def parse_date(value: str, *, day_first: bool | None = None) -> str | None:
    """Return the ISO 8601 date at the start of ``value``, or ``None``.

    ``day_first`` says how to read 03/04/2021; without it such a date is only read when one of its
    numbers is above 12.
    """
    text = value.strip()
    for pattern in (_ISO, _YEAR_FIRST, _COMPACT):
        if match := pattern.match(text):
            return _iso(*(int(part) for part in match.groups()))
    if match := _NAMED.match(text):
        month = _MONTHS.get(match[2].lower())
        return _iso(int(match[3]), month, int(match[1])) if month else None
    if match := _SLASHED.match(text):
        return _slashed(int(match[1]), int(match[2]), int(match[3]), day_first=day_first)
    return None


def _slashed(first: int, second: int, year: int, *, day_first: bool | None) -> str | None:
    """Order the numbers of a date without a year in front, where the order is certain."""
    if day_first is None:
        if first > 12:  # noqa: PLR2004 - the number of months
            day_first = True
        elif second > 12 or first == second:  # noqa: PLR2004
            day_first = False
        else:
            return None
    return _iso(year, second, first) if day_first else _iso(year, first, second)


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def parse_moment(value: str, *, day_first: bool | None = None) -> str | None:
    """Return a sortable ISO 8601 moment: the date, and the time of day where it is given."""
    day = parse_date(value, day_first=day_first)
    if day is None:
        return None
    text = value.strip()
    if match := re.match(r"\d{8}(\d{2})(\d{2})(\d{2})?", text):
        return f"{day}T{match[1]}:{match[2]}:{match[3] or '00'}"
    if match := re.search(r"[T ](\d{1,2}):(\d{2})(?::(\d{2}))?", text):
        return f"{day}T{int(match[1]):02d}:{match[2]}:{match[3] or '00'}"
    return f"{day}T00:00:00"


def parse_age(value: str) -> int | None:
    """Return whole years from ``47``, ``47.0``, ``047Y``, ``47 years``, ``18M`` or ``6 weeks``."""
    match = _AGE.match(value.strip())
    if match is None:
        return None
    number = int(match[1])
    if match[3]:
        return number // 12
    if match[4]:
        return number // 52
    if match[5]:
        return number // 365
    return number if number <= MAX_AGE_YEARS else None


def age_on(birth_date: str, study_date: str) -> int | None:
    """Return whole years between two ISO 8601 dates, ``None`` outside 0 to 130."""
    born, then = date.fromisoformat(birth_date), date.fromisoformat(study_date)
    years = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
    return years if 0 <= years <= MAX_AGE_YEARS else None


def parse_sex(value: str) -> str | None:
    """Return ``"M"``, ``"F"`` or ``None``."""
    return _SEX.get(value.strip().lower())


def parse_modality(value: str) -> str | None:
    """Return the DICOM modality code that a department's own code stands for, or ``None``."""
    return _MODALITY.get(value.strip().upper())


def parse_pregnancy(value: str) -> str | None:
    """Return ``"pregnant"``, ``"postpartum"``, ``"none"`` or ``None``."""
    return _PREGNANCY.get(value.strip().lower())
