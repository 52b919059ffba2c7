"""The people of the demo cluster and the hats they wear. All of them are invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.demo.times import Times
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.roles import OVERSIGHT, STAFF
from osm_flow.domain.people import NewPerson, NewPosition, PositionKind
from osm_flow.operations.people.accounts import create_person
from osm_flow.operations.people.positions import give_position

OFFICE = "NE-U1"
PASSWORD = "mekhong-demo"  # noqa: S105 (an account of the demo only; the README lists it)


@dataclass(frozen=True)
class Part:
    """Somebody of the demo: the first role is the one they are known for."""

    username: str
    name: str
    title: str
    roles: tuple[str, ...]
    province: str | None = None


CAST: tuple[Part, ...] = (
    Part("thanakorn", "นายธนากร ศรีบุญเรือง", "ผู้อำนวยการกลุ่มงานบริหารยุทธศาสตร์กลุ่มจังหวัด", ("osm_director", "osm_secretariat")),
    Part("wipada", "น.ส.วิภาดา จันทร์เพ็ง", "นักจัดการงานทั่วไปชำนาญการ", ("osm_admin_head", "osm_admin", "osm_secretariat")),
    Part("suriya", "นายสุริยา พลเยี่ยม", "เจ้าพนักงานธุรการ", ("osm_admin", "osm_secretariat")),
    Part("kanya", "น.ส.กัญญา ทองคำ", "นักวิเคราะห์นโยบายและแผนชำนาญการ", ("osm_strategy_head", "osm_strategy", "osm_data")),
    Part("anucha", "นายอนุชา ภูมิสวัสดิ์", "นักวิเคราะห์นโยบายและแผนปฏิบัติการ", ("osm_strategy", "osm_data", "osm_secretariat")),
    Part("prasert", "นายประเสริฐ แก้วมณี", "นักวิเคราะห์นโยบายและแผนชำนาญการ", ("osm_me_head", "osm_me")),
    Part("nuchanat", "น.ส.นุชนาถ วรรณทอง", "พนักงานราชการ นักวิเคราะห์นโยบายและแผน", ("osm_me", "osm_data", "osm_admin")),
    Part("somchai", "นายสมชาย วงศ์อุดม", "ผู้ว่าราชการจังหวัดอุดรธานี ในฐานะหัวหน้ากลุ่มจังหวัด", ("cluster_head",)),
    Part("pornthip", "นางพรทิพย์ ชัยมงคล", "รองผู้ว่าราชการจังหวัดอุดรธานี เลขากลุ่มจังหวัด", ("cluster_deputy",)),
    Part("narong", "นายณรงค์ แสนสุข", "หัวหน้าสำนักงานจังหวัดอุดรธานี", ("province_office_head",)),
    Part("udon", "น.ส.ปิยะดา คำแสน", "กลุ่มงานยุทธศาสตร์ฯ สำนักงานจังหวัดอุดรธานี", ("province_planner",), "TH-41"),
    Part("loei", "นายวีระชัย สุขเกษม", "กลุ่มงานยุทธศาสตร์ฯ สำนักงานจังหวัดเลย", ("province_planner",), "TH-42"),
    Part("nongkhai", "นางจิราพร บุญมา", "กลุ่มงานยุทธศาสตร์ฯ สำนักงานจังหวัดหนองคาย", ("province_planner",), "TH-43"),
    Part("nongbua", "นายไพโรจน์ ศรีสะอาด", "กลุ่มงานยุทธศาสตร์ฯ สำนักงานจังหวัดหนองบัวลำภู", ("province_planner",), "TH-39"),
    Part("buengkan", "น.ส.รัตนา โคตรชมภู", "กลุ่มงานยุทธศาสตร์ฯ สำนักงานจังหวัดบึงกาฬ", ("province_planner",), "TH-38"),
    Part("highway", "นายเกรียงไกร พิมพ์ดี", "แขวงทางหลวงอุดรธานีที่ 1", ("agency_owner",), "TH-41"),
    Part("irrigation", "นายสมศักดิ์ ลาภเกิด", "โครงการชลประทานเลย", ("agency_owner",), "TH-42"),
    Part("publicworks", "น.ส.อรทัย มีสุข", "สำนักงานโยธาธิการและผังเมืองจังหวัดหนองคาย", ("agency_owner",), "TH-43"),
    Part("agriculture", "นางบุปผา นาคสุข", "สำนักงานเกษตรจังหวัดหนองบัวลำภู", ("agency_owner",), "TH-39"),
    Part("tourism", "นายธีรพงษ์ ใจงาม", "สำนักงานการท่องเที่ยวและกีฬาจังหวัดบึงกาฬ", ("agency_owner",), "TH-38"),
    Part("auditor", "นางมาลี ตรวจการ", "หน่วยตรวจสอบภายในจังหวัดอุดรธานี", ("auditor",)),
    Part("admin", "นายเอกชัย ดูแลดี", "ผู้ดูแลระบบ", ("admin",)),
)

PLANNERS = {part.province: part.username for part in CAST if part.province and part.roles == ("province_planner",)}
AGENCIES = {part.province: part for part in CAST if part.province and part.roles == ("agency_owner",)}
NAMES = {part.username: part.name for part in CAST}


def logins() -> list[dict[str, str]]:
    """The user names, roles and names that the login page of a demo lists."""
    return [
        {"username": part.username, "name": part.name, "title": part.title, "role": part.roles[0], "password": PASSWORD}
        for part in CAST
    ]


def hire(session: Session, times: Times, now: datetime) -> None:
    """Enter every person with their positions: two acting appointments and two delegations are among them."""
    since = times.law.day("2567-10-01")
    for place, part in enumerate(CAST):
        number = f"{4101 + place}" if set(part.roles) <= STAFF | OVERSIGHT else None
        person = NewPerson(part.username, part.name, password=PASSWORD, employee_number=number)
        create_person(session, SYSTEM, now, person)
        for role in part.roles:
            office_id = None if role in ("auditor", "admin") else OFFICE
            position = NewPosition(role, office_id, since, province_id=part.province, title_th=part.title)
            give_position(session, part.username, SYSTEM, now, position)
    give_position(session, "pornthip", SYSTEM, now, _delegation(times))
    give_position(session, "thanakorn", SYSTEM, now, _acting_appointment(times))
    give_position(session, "kanya", SYSTEM, now, _acting_director(times))
    give_position(session, "narong", SYSTEM, now, _delegation_to_sign(times))


def _delegation(times: Times) -> NewPosition:
    return NewPosition(
        "cluster_head",
        OFFICE,
        times.law.working_day("2569-10-01"),
        times.law.day("2570-09-30"),
        kind=PositionKind.delegated,
        for_username="somchai",
        letter=f"คำสั่งจังหวัดอุดรธานี ที่ 4512/{times.law.be('2569-10-01')} ลงวันที่ {times.law.thai('2569-10-01')}",
        title_th="ปฏิบัติราชการแทนหัวหน้ากลุ่มจังหวัด",
    )


def _acting_appointment(times: Times) -> NewPosition:
    return NewPosition(
        "province_office_head",
        OFFICE,
        times.working_day("2569-11-16"),
        times.day("2569-12-04"),
        kind=PositionKind.acting,
        for_username="narong",
        letter=f"คำสั่งจังหวัดอุดรธานี ที่ 5107/{times.be('2569-11-12')} ลงวันที่ {times.thai('2569-11-12')}",
        title_th="รักษาราชการแทนหัวหน้าสำนักงานจังหวัดอุดรธานี",
    )


def _acting_director(times: Times) -> NewPosition:
    """Under it a recommendation of the closing year was reviewed."""
    return NewPosition(
        "osm_director",
        OFFICE,
        times.law.working_day("2569-05-05"),
        times.law.day("2569-05-08"),
        kind=PositionKind.acting,
        for_username="thanakorn",
        letter=f"คำสั่งจังหวัดอุดรธานี ที่ 1876/{times.law.be('2569-05-01')} ลงวันที่ {times.law.thai('2569-05-01')}",
        title_th="รักษาราชการแทนผู้อำนวยการกลุ่มงานบริหารยุทธศาสตร์กลุ่มจังหวัด",
    )


def _delegation_to_sign(times: Times) -> NewPosition:
    """Under it the report of the third quarter of the closing year was signed."""
    return NewPosition(
        "cluster_head",
        OFFICE,
        times.law.working_day("2569-07-20"),
        times.law.day("2569-07-31"),
        kind=PositionKind.delegated,
        for_username="somchai",
        letter=f"คำสั่งจังหวัดอุดรธานี ที่ 2903/{times.law.be('2569-07-17')} ลงวันที่ {times.law.thai('2569-07-17')}",
        title_th="ปฏิบัติราชการแทนหัวหน้ากลุ่มจังหวัด",
    )
