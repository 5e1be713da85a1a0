"""The shape of the pattern files. Each model is one entry a radiologist writes in YAML."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.model import Certainty, Laterality, SectionCategory, Status

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.:-]*$")]


QuotedLeft = Literal["severity", "extent", "place"]


class Entry(BaseModel):
    """Base: unknown keys are refused, so that a misspelt one cannot silently do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(Entry):
    """A sentence and what must be found in it by this rule's finding; run by ``marrow patterns check``."""

    text: str
    found: list[str] = []
    """Quotes that must be found, in order; empty: nothing of this finding may be found."""
    status: Status | None = None
    sites: list[str] | None = None
    laterality: Laterality | None = None
    certainty: Certainty | None = None
    change: str | None = None


class Finding(Entry):
    """A kind of finding that the pattern set declares."""

    title: str
    """What a person reads: "marrow oedema"."""
    default_sites: dict[str, str] = {}
    """Site where the report names none, by the region of the study; ``"*"`` for any region."""
    site_groups: list[str] = []
    """Anatomy groups whose places can be its site; empty: any."""
    at_joint: bool = False
    """Whether a place of a region stands for the region's joint (an effusion of the hip is in the hip joint)."""
    quote_left: list[QuotedLeft] = []
    """What belongs to its quote when it stands directly before it ("moderate hip joint effusion")."""
    quote_right: bool = False
    """Whether a place that follows directly ("of the left hip") belongs to its quote."""
    has_extent: bool = False
    """Whether words like "diffuse" and "focal" are kept with it."""
    densitometry_method: str | None = None
    """Method of every mention in a densitometry study."""
    extent_placed: str | None = None
    """Extent where a place or side is named and no extent is; for example "regional"."""
    extent_unplaced: str | None = None
    """Extent where neither is named."""
    known_in_request: bool = False
    """Whether a request that asserts it tells what was known before the study, and so the past."""
    own_place: bool = False
    """Whether only a place in its own noun phrase is its site ("transient osteoporosis of the left hip")."""
    place_behind: bool = False
    """Whether no place before it is its site, unless directly ("oedema of the neck ..., no fracture")."""
    exact_place: bool = False
    """Whether a joint as a whole stands for the default site ("necrosis of the hip": the femoral head)."""
    of_patient: bool = False
    """Whether it is told of the patient, and so has no site and no side."""
    is_event: bool = False
    """Whether it is past by its nature, so that a date in the request makes it no history ("fell 4 weeks ago")."""
    family: Name | None = None
    """Findings of one family are no choice between two ("transient or migratory osteoporosis")."""
    is_diagnosis: bool = False
    """Whether it names a disease: of diagnoses in a list that ends with "or", each is only possible."""
    elliptic: bool = False
    """Whether the second half of a statement may leave its name out ("... moderate on the right")."""
    shown: bool = True
    """Whether its mentions are part of the result; else they only hold atoms of the case definition."""
    priority: int = 50
    """Where two overlap, the higher hides the lower; the longer, where they are equal."""


class Rule(Entry):
    """Phrases that mean one finding."""

    id: Name
    finding: Name | None = None
    """``None`` only with ``block``."""
    phrases: list[str]
    comment: str = ""
    """The clinical reason or the source."""
    block: bool = False
    """The phrase hides what it contains and is itself nothing."""
    status: Status | None = None
    """What the phrase itself asserts, for example a template of the normal."""
    certainty: Certainty | None = None
    change: str | None = None
    method: str | None = None
    extent: str | None = None
    severity: str | None = None
    sites: list[str] = []
    """Sites that the phrase itself names; no other place in its sentence is added to them."""
    laterality: Laterality | None = None
    case: Literal["any", "exact"] = "any"
    """``exact`` for abbreviations that are words in lower case."""
    requires_place: list[str] = []
    """Anatomy groups of which one must stand in the same clause."""
    excludes_place: list[str] = []
    """Anatomy groups of which none may stand in the same clause as its site."""
    exact_place: bool = False
    """Whether the place that is required must be more exact than a joint as a whole ("the knee").

    In the regions of the audit the joint as a whole will do.
    """
    at_joint: bool = False
    """As ``Finding.at_joint``, for this rule alone ("septic arthritis of the hip" is one of the hip joint)."""
    requires_region: list[str] = []
    """Regions of the study in which the rule may speak at all."""
    not_with: list[str] = []
    """Phrases which inside, or directly before or after the match, mean something else."""
    not_before: list[str] = []
    """Phrases which before the match, in its sentence up to a semicolon, mean something else."""
    needs_before: list[str] = []
    """Phrases of which one must stand before the match in its sentence ("STIR image ...: hyperintensity of")."""
    not_after: list[str] = []
    """Phrases which behind the match, in its sentence up to a semicolon, mean something else."""
    not_followed_by: list[str] = []
    """Phrases which right after the match mean something else."""
    modalities: list[str] = []
    """Only in studies of these modalities; empty: in all."""
    priority: int | None = None
    quote_left: list[QuotedLeft] = []
    """What belongs to its quote when it stands directly before it, besides what the finding says."""
    ellipsis: bool = False
    """Takes the finding of the mention before it in the sentence ("... moderate on the right")."""
    beside: bool = False
    """Speaks beside another finding of the same words ("haemarthrosis": an effusion, and an injury)."""
    only_alone: bool = False
    """Speaks only where no other mention of its finding stands in the sentence."""
    across: bool = False
    """With ``ellipsis``: also takes the finding of a mention in the sentence before."""
    completed_by: list[str] = []
    """Phrases which in the next sentence, where it names no finding itself, make a doubtful mention a certain one."""
    not_after_named: bool = False
    """Speaks only where its finding is not named before it in the sentence, which it then only describes."""
    stands_alone: bool = False
    """Cues around it do not change it (it states its own assertion)."""
    examples: list[Example] = []


class Site(Entry):
    """A place of the body."""

    id: Name
    sites: list[Name] = []
    """The canonical sites that it stands for; default: its own id."""
    phrases: list[str]
    region: Name
    groups: list[Name] = []
    laterality: Laterality | None = None
    """For plurals: "both hips"."""
    only_in: list[Name] = []
    """Regions of the study in which such a bare word means this place."""
    joint: Name | None = None
    """The joint that findings of joints are at there, where it is not the region's ("the first MTP joint")."""
    case: Literal["any", "exact"] = "any"
    comment: str = ""


class Region(Entry):
    """A part of the body that a study shows."""

    words: list[str]
    """Words of a title, description or text that tell the region."""
    hints: list[str] = []
    """Words that tell the region only where no other word does."""
    in_scope: bool = False
    paired: bool = True
    """Whether its places are left or right at all."""
    joint: Name | None = None
    """The site of the region's joint, for findings that are of a joint."""
    whole: Name | None = None
    """The site of a finding where the report names no place of the region at all."""


class Anatomy(Entry):
    """anatomy.yaml."""

    regions: dict[Name, Region]
    sites: list[Site]
    sides: dict[Literal["left", "right", "bilateral", "other", "same"], list[str]]
    sides_exact: dict[Literal["left", "right"], list[str]] = {}
    """Side letters, matched in capitals only and only beside a place."""
    connectors: list[str]
    """Words that join places into one phrase."""
    additive: list[str]
    """Words before a place that add it to the place said before ("extending into")."""
    not_sides: list[str] = []
    """Phrases in which a word for a side is none ("right down to")."""
    flanks: list[str] = []
    """Words for both sides that are those of what is ``flanked``, where that stands before them in the sentence."""
    flanked: list[str] = []
    """What has two sides of its own ("a line with oedema on either side")."""
    compared: list[str] = []
    """Words before a side that is only compared with ("than the right")."""
    exclusive_behind: list[str] = []
    """Words right behind a place that take it away ("not involved")."""
    examined: list[str] = []
    """Words before a place that name the examination of it ("MRI of the")."""
    examined_behind: list[str] = []
    """Words right behind a place that name the examination of it ("pelvis MRI")."""
    anaphors: list[str] = []
    """Words that stand for the place named last ("the same region is demineralised")."""
    going_on: list[str] = []
    """Words that begin a sentence which takes the finding before it to a further place ("this extends")."""
    settled: list[str] = []
    """Words right behind a side that say all that is said of it ("the left side is clear and ...")."""
    exclusive: list[str] = []
    """Words before a place that take it away ("sparing of")."""


class Descriptors(Entry):
    """descriptors.yaml: severity and extent by value, in rising order."""

    severity: dict[str, list[str]]
    extent: dict[str, list[str]]


CueCategory = Literal[
    "negation",
    "affirmation",
    "uncertainty",
    "historical",
    "hypothetical",
    "experiencer",
    "change",
    "method",
    "terminate",
    "pseudo",
]


class CueRule(Entry):
    """Words that change what mentions in their scope assert."""

    id: Name
    category: CueCategory
    direction: Literal["forward", "backward", "both"] = "forward"
    phrases: list[str]
    certainty: Certainty | None = None
    """For ``uncertainty``."""
    change: str | None = None
    """For ``change`` and for resolution."""
    method: str | None = None
    findings: list[Name] = []
    """Only these findings; empty: all."""
    max_words: int | None = None
    """Reach in words; ``None``: to the end of the clause."""
    max_mentions: int | None = None
    nth_mention: int | None = None
    """Governs this mention alone, counted from the cue ("X versus Y, the former favoured": 2)."""
    stops_at: list[str] = []
    """Words that end its reach ("status post coiling for an aneurysm")."""
    sections: list[SectionCategory] = []
    """Only in these sections; empty: in all."""
    value: bool = False
    """With direction ``both``: reaches back only as the value of a field ("Effusion: none"), with nothing behind it."""
    closes: bool = False
    """With ``value`` or backward: only where it closes its clause ("Effusion: normal", not "normal alignment")."""
    crosses: bool = False
    """Whether it reaches beyond a comma that begins a new statement."""
    heads: bool = False
    """Begins a label, and governs the items of the list under it ("Differential diagnosis:")."""
    choice: bool = False
    """For ``uncertainty``: stands between two findings and leaves the choice; weaker than every other cue."""
    of_diagnoses: bool = False
    """With ``choice``: only between two diagnoses ("/")."""
    rivals: list[str] = []
    """With ``choice``: words for what is no finding of this set, and may be the other of the two."""
    clause: bool = False
    """For ``terminate``: whether it also parts places and sides (a contrast)."""
    comment: str = ""
    examples: list[Example] = []


class Demographics(Entry):
    """demographics.yaml: words that tell sex, pregnancy and onset."""

    male: list[str]
    female: list[str]
    titles_exact: dict[str, list[str]] = {}
    """By sex (``M``, ``F``); titles that mean something else in capitals, as "MR" does."""
    pregnant: list[str]
    postpartum: list[str]
    not_pregnant: list[str] = []
    atraumatic: list[str]
    traumatic: list[str]


class Spelling(Entry):
    """spelling.yaml: words that are read in spite of a typing error."""

    words: list[str] = []
    not_typos: list[str] = []
    """Words near to a listed one that mean something else."""


class StudyWords(Entry):
    """study.yaml: what kind of examination it is."""

    modalities: dict[str, list[str]]
    """DICOM code to the words of a title or description."""
    modalities_exact: dict[str, list[str]] = {}
    """The same for abbreviations that are words in lower case."""
    densitometry: list[str]
    nondiagnostic: list[str]
    whole_body: list[str] = []
    """Words of a title that show the whole body, and so what its text names of it."""
    title_words: list[str]
    title_labels: list[str] = []
    """Labels at the head of a report whose value names the examination."""
    request_words: list[str] = []
    """What a request without a heading says; whole words, in any case."""
    not_request: list[str] = []
    """Phrases in which a word of a request is none ("... of the hip in pregnancy"), unless the sentence asks."""
    history_labels: list[str] = []
    """Labels of what was before the study ("PMH"): it tells nothing of what the study shows."""
    asking_words: list[str] = []
    """What only a sentence says that asks, or tells what was known before."""
    finding_words: list[str] = []
    """What only one says who has seen the images."""
    statement_words: list[str] = []
    """What a sentence holds that tells a finding, where no heading parts it from the request."""
    laterality_correction: list[str]


class Atom(Entry):
    """A fact of the case definition that holds on a side or not."""

    title: str
    role: Literal["core", "minor", "hard", "soft", "explanatory", "naming", "helper"] = "helper"
    findings: list[Name] = []
    statuses: list[str] = []
    """``affirmed``, ``negated``, ``historical``, ``hypothetical``, ``likely``, ``possible``, ``unlikely``, ``resolved``."""
    sites_all: list[list[str]] = []
    """Of each list of sites one must be named, by these mentions together."""
    sites_none: list[str] = []
    """Mentions whose sites all are among these do not count."""
    sections: list[SectionCategory] = []
    not_sections: list[SectionCategory] = []
    extent_not: list[str] = []
    severity_not: list[str] = []
    severity: list[str] = []
    method_not: list[str] = []
    change: list[str] = []
    modalities: list[str] = []
    rules: list[str] = []
    rules_not: list[str] = []
    side: Literal["same", "other", "any"] = "same"
    """Which side the mentions must be of; ``same`` takes in those of no side."""
    explicit_side: bool = False
    age_years: tuple[int, int] | None = None
    sex: Literal["M", "F"] | None = None
    pregnancy: list[str] = []
    onset_atraumatic: bool | None = None
    when: str | None = None
    """An expression of other atoms instead of a condition on mentions."""
    flag: str | None = None
    """Flag that the report gets where it holds."""


class CaseRule(Entry):
    """One line of the case definition; the first whose condition holds gives the level."""

    id: Name
    when: str
    level: str
    flags: list[str] = []
    activity: str | None = None
    scope: Literal["report", "side"] = "side"


class CaseDefinition(Entry):
    """case_definition.yaml."""

    name: Name
    sides_from: list[Name]
    """Anatomy groups whose sides are assessed."""
    subject: Name
    """The finding that names the disease."""
    atoms: dict[Name, Atom]
    rules: list[CaseRule]
    subtypes: dict[Name, str]
    activity: dict[str, str]
    flags: dict[str, str] = {}
    """Flag to the expression that sets it."""


class Manifest(Entry):
    """pattern_set.yaml."""

    name: Name
    version: str
    extends: Literal["shipped"] | None = None
    remove: list[Name] = []
    """Ids of shipped rules, sites or cues that an extending set takes away."""
    description: str = ""
    findings: dict[Name, Finding] = {}
    targets: list[Name] = []


class RuleFile(Entry):
    """findings/*.yaml."""

    rules: list[Rule]


class CueFile(Entry):
    """context/*.yaml."""

    cues: list[CueRule]
