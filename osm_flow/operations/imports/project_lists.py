"""How lists of projects are read: what their columns are called in the papers of offices, and by what a project is known again."""

from __future__ import annotations

from functools import cache

from osm_flow.domain.forms.schema import choices_of, longest_of
from osm_flow.domain.imports.cells import ImportColumn, ValueKind, spelled_choice
from osm_flow.domain.json import JSON
from osm_flow.domain.projects.states import PROJECT_STATES
from osm_flow.operations.imports.kinds import ImportKind
from osm_flow.operations.projects.record_type import KIND, PREFIX, book_of, project_type

# In their order: a head that fits two fields means the first. Spelled without blanks and signs, as `heads.spelled` does.
_HEADS: dict[str, tuple[ValueKind, tuple[str, ...]]] = {
    "start_date": ("date", ("^(วัน(ที่)?)?(คาดว่า(จะ)?)?เริ่ม(?!.*(สิ้นสุด|เสร็จ))", "^startdate$", "^startson$")),
    "end_date": ("date", ("^(วัน(ที่)?)?(คาดว่า(จะ)?)?(สิ้นสุด|แล้วเสร็จ)", "^enddate$", "^endson$")),
    "fiscal_year": ("year", ("^ปี(?!.*(เสร็จ|เริ่ม|สิ้นสุด|สร้าง|ก่อน))", "^พศ$", "^fy$", "fiscalyear", "^year$")),
    "code": ("code", ("^รหัส$", "รหัส.*โครงการ", "^เลขที่โครงการ", "^(project)?code$")),
    "state": ("choice", ("^สถานะ", "^status$", "^state$")),
    "result": ("choice", ("^ผล$", "^ผล(การ)?พิจารณา", "^result")),
    "agency": (
        "text",
        ("^หน่วย(งาน|ดำเนิน|รับผิดชอบ|เบิก|รับ|เจ้าของ)", "หน่วยงาน", "ส่วนราชการ", "^เจ้าของโครงการ", "agency"),
    ),
    "budget_type": ("choice", ("(ประเภท|หมวด)(งบ|ราย)", "^งบรายจ่าย", "budget(category|type)")),
    "disbursed": ("money", ("(?<!หน่วย)เบิกจ่าย", "^เบิก", "จ่ายจริง", "disburs", "^spent")),
    "committed": ("money", ("ผูกพัน", "^po$", "^committed")),
    "approved": (
        "money",
        ("^(?!วันที่).*จัดสรร", "^(?!วันที่).*อนุมัติ", "ได้รับ", "ที่ได้", "^(งบ)?(ตาม)?พรบ", "approved", "allocat"),
    ),
    "requested": (
        "money",
        ("(ที่|เสนอ|คำ|งบ)ขอ", "^ขอ$", "ขอรับ", "ขอตั้ง", "askedfor", "request"),
    ),
    "province": ("province", ("จังหวัด", "^จว$", "^จ$", "province")),
    "name": (
        "text",
        (
            "ชื่อ.*โครงการ",
            "^(แผนงาน)?โครงการ(กิจกรรม|รายการ|แผนงาน|ย่อย)*$",
            "^รายการ(โครงการ)?$",
            "projectname",
            "^project$",
        ),
    ),
    "rationale": ("text", ("หลักการและเหตุผล",)),
    "output": ("text", ("^ผลผลิต",)),
    "outcome": ("text", ("^ผลลัพธ์",)),
    "impact": ("text", ("^ผลกระทบ",)),
    "beneficiary_group": ("text", ("^กลุ่มเป้าหมาย", "^ผู้ได้รับ(ผล)?ประโยชน์")),
}
# What is meant where nothing else in the head says more.
_IN_GENERAL = {"requested": ("^วงเงิน", "^งบประมาณ", "^งบ$", "^จำนวนเงิน", "^amount", "budget")}
_RESULTS = {
    "Y1": ("y1", "ในกรอบy1", "ในกรอบ"),
    "Y2": ("y2", "เกินกรอบy2", "เกินกรอบ"),
    "N": ("n", "ไม่สนับสนุนn", "ไม่สนับสนุน"),
}
# Words that the register does not know are left out of these and told.
_LENIENT = frozenset({"state", "result", "budget_type"})
_BUDGET_WORDS = {
    "operating": ("ดำเนินงาน", "งบดำเนินการ"),
    "durable": ("ครุภัณฑ์", "ค่าครุภัณฑ์", "งบลงทุนครุภัณฑ์"),
    "construction": ("ที่ดินและสิ่งก่อสร้าง", "สิ่งก่อสร้าง", "ค่าที่ดินและสิ่งก่อสร้าง", "งบลงทุนที่ดินและสิ่งก่อสร้าง"),
    "subsidy": ("งบเงินอุดหนุน",),
    "other": ("งบรายจ่ายอื่น",),
}


@cache
def project_lists() -> ImportKind:
    """How lists of projects are read and matched."""
    schema = project_type().schema
    columns = tuple(
        _column(field, kind, heads, schema.fields.get(field, {})) for field, (kind, heads) in _HEADS.items()
    )
    return ImportKind(
        kind=KIND,
        columns=columns,
        name="name",
        year="fiscal_year",
        constants={"fiscal_year": "", "agency": "", "province": "", "budget_type": "", "state": PROJECT_STATES[0]},
        required=("name", "agency"),
        same=("name", "agency", "province"),
        prefix=PREFIX,
        of_process=schema.decided,
        book=book_of,
        labels={
            "code": {"title": "รหัสโครงการ", "x-en": {"title": "Project code"}},
            "fiscal_year": {"title": "ปีงบประมาณ", "x-en": {"title": "Fiscal year"}},
            **{field: schema.fields[field] for field in _HEADS if field in schema.fields},
        },
    )


def _column(field: str, kind: ValueKind, heads: tuple[str, ...], form_field: JSON) -> ImportColumn:
    choices: dict[str, str] = {}
    if field == "result":
        choices = {word: value for value, words in _RESULTS.items() for word in words}
    elif kind == "choice":
        for option in choices_of(form_field):
            said = (option["value"], option["th"], option["en"], *_BUDGET_WORDS.get(option["value"], ()))
            choices |= {spelled_choice(word): option["value"] for word in said}
    return ImportColumn(
        field=field,
        kind=kind,
        heads=heads,
        general=_IN_GENERAL.get(field, ()),
        longest=32 if field == "code" else longest_of(form_field),
        choices=choices,
        words=", ".join(option["th"] for option in choices_of(form_field)),
        is_lenient=field in _LENIENT,
    )
