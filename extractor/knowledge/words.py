"""Short English words that abbreviations of medicine look like in lower case."""

from __future__ import annotations

ORDINARY_WORDS = frozenset(
    """
    ace aid aids aim air all am amp an and any are arc as ask at ate bad bar bat be bed best bet bid big bit
    but by cad call can cap car care case cat cop cost cross cup cut dad day did dip dish do doc dr due
    ear eat end eye fast few fig fit for gap gas get gist go god got gut had ham has hat he help her hers
    him his hit how if in is it its jam job just kit lad lap last led less let lid like lip list
    lot mad made man many map mat may me men mess met mild mine miss more most mr mrs ms much must my net
    new nice no none nor not now of off oh old on one or our out over own pad pan pap past pat pen per pet
    pie pin pit plan pop pot prop pro pub put rad ram ran rash rat raw real rest rid rip rod role rom run
    sad said same sat save saw see seen set she show side sit site six so some son star such sum tap
    tan team ten test than that the them then they this tip to told too took top toy tub two under up us use
    van very via wait war was way we well were what when who why will wish with yes yet you your
    """.split()  # noqa: SIM905 - a word a line would be five pages
)
"""Not among them: words that a rule may well mean, such as those for parts of the body."""
