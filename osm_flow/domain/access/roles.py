"""The roles people and outside parties have in the work of a cluster: key, names in both languages, and reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reach = Literal["office", "province", "own", "oversight", "external", "public"]


@dataclass(frozen=True)
class Role:
    """A role and how far its holder sees.

    office     staff of the cluster's office and its superiors: everything of their office.
    province   people of one province: what concerns that province, and their own work items.
    own        only work items given to them, what lies at these, and the papers that they show; never the case.
    oversight  auditor (reads everything, writes nothing) and administrator (repairs, does nobody else's work).
    external   a party outside the system, asked by letter; public: anybody. Neither signs in.
    """

    key: str
    th: str
    en: str
    reach: Reach

    @property
    def signs_in(self) -> bool:
        """Whether people of this role sign in, or are parties outside whose answers the office records."""
        return self.reach not in {"external", "public"}


_ALL = (
    Role("cluster_head", "หัวหน้ากลุ่มจังหวัด", "Head of cluster", "office"),
    Role("cluster_deputy", "รองผู้ว่าราชการจังหวัด/เลขากลุ่มจังหวัด", "Deputy governor, cluster secretary", "office"),
    Role("province_office_head", "หัวหน้าสำนักงานจังหวัด", "Chief of provincial office", "office"),
    Role("osm_director", "ผู้อำนวยการกลุ่มงานบริหารยุทธศาสตร์ฯ", "OSM director", "office"),
    Role("osm_admin_head", "หัวหน้าฝ่ายบริหารทั่วไป", "Head of General Administration", "office"),
    Role("osm_admin", "ฝ่ายบริหารทั่วไป", "General Administration", "office"),
    Role("osm_strategy_head", "หัวหน้ากลุ่มพัฒนายุทธศาสตร์", "Head of Strategy Development", "office"),
    Role("osm_strategy", "กลุ่มพัฒนายุทธศาสตร์", "Strategy Development", "office"),
    Role("osm_me_head", "หัวหน้ากลุ่มติดตามและประเมินผล", "Head of Monitoring and Evaluation", "office"),
    Role("osm_me", "กลุ่มติดตามและประเมินผล", "Monitoring and Evaluation", "office"),
    Role("osm_secretariat", "ฝ่ายเลขานุการ ก.บ.ก.", "Committee secretariat", "office"),
    Role("osm_data", "เจ้าหน้าที่ข้อมูล", "Data steward", "office"),
    Role("province_governor", "ผู้ว่าราชการจังหวัดสมาชิก", "Member governor", "province"),
    Role("province_planner", "กลุ่มงานยุทธศาสตร์และข้อมูลเพื่อการพัฒนาจังหวัด", "Provincial strategy unit", "province"),
    Role("prov_treasury", "สำนักงานคลังจังหวัด", "Provincial Treasury", "province"),
    Role("agency_owner", "หน่วยงานเจ้าของโครงการ", "Implementing agency", "own"),
    Role("kbk_member", "กรรมการ ก.บ.ก.", "Committee member", "own"),
    Role("local_gov", "องค์กรปกครองส่วนท้องถิ่น", "Local government", "own"),
    Role("auditor", "ผู้ตรวจสอบ", "Auditor", "oversight"),
    Role("admin", "ผู้ดูแลระบบ", "Administrator", "oversight"),
    Role("nesdc_regional", "สำนักงานพัฒนาเศรษฐกิจและสังคมภาค", "NESDC regional office", "external"),
    Role("regional_subcom", "อ.ก.น.บ. ภาค", "Regional subcommittee", "external"),
    Role("knb", "ก.น.บ.", "National committee", "external"),
    Role("cabinet", "คณะรัฐมนตรี", "Cabinet", "external"),
    Role("moi_pad", "สบจ. สป.มท.", "MoI Provincial Administration Promotion Bureau", "external"),
    Role("bb", "สำนักงบประมาณ", "Budget Bureau", "external"),
    Role("opdc", "สำนักงาน ก.พ.ร.", "OPDC", "external"),
    Role("cgd", "กรมบัญชีกลาง", "Comptroller General's Department", "external"),
    Role("sao", "สำนักงานการตรวจเงินแผ่นดิน", "State Audit Office", "external"),
    Role("inspector", "ผู้ตรวจราชการ", "Inspector", "external"),
    Role("kro", "กรอ. กลุ่มจังหวัด", "Joint public-private committee", "external"),
    Role("citizen", "ประชาชน", "Citizens", "public"),
    Role("civil_society", "ภาคประชาสังคม", "Civil society", "public"),
    Role("business", "ภาคเอกชน", "Business", "public"),
    Role("academia", "สถาบันการศึกษา", "Academia", "public"),
)

ROLES: dict[str, Role] = {role.key: role for role in _ALL}
SIGN_IN_ROLES: tuple[str, ...] = tuple(role.key for role in _ALL if role.signs_in)


def roles_reaching(*reach: Reach) -> frozenset[str]:
    """The keys of the roles whose holders see this far."""
    return frozenset(role.key for role in _ALL if role.reach in reach)


STAFF = roles_reaching("office")
PROVINCIAL = roles_reaching("province")
OVERSIGHT = roles_reaching("oversight")
OWN_ONLY = roles_reaching("own")
WORKERS = STAFF | PROVINCIAL | OWN_ONLY
# Parties outside the office: their answers may be written down for them, by the office and as its own act.
OUTSIDE = frozenset(ROLES) - STAFF - OVERSIGHT

_OSM = frozenset(key for key in STAFF if key.startswith("osm_"))
# Whose work items each head moves: those of their own section; a superior's section is the office below them.
SECTIONS: dict[str, frozenset[str]] = {
    "osm_admin_head": frozenset({"osm_admin_head", "osm_admin", "osm_secretariat"}),
    "osm_strategy_head": frozenset({"osm_strategy_head", "osm_strategy", "osm_data"}),
    "osm_me_head": frozenset({"osm_me_head", "osm_me"}),
    "osm_director": _OSM,
    "province_office_head": _OSM | {"province_office_head"},
    "cluster_deputy": _OSM | {"province_office_head", "cluster_deputy"},
    "cluster_head": STAFF,
}

# Posts with a signature or an authority of their own: these are handed on by order.
POSTS_OF_HEADS = frozenset(SECTIONS) | {"province_governor"}
# Posts whose holders decide, command, audit or hand out posts: they take two people.
WEIGHTY = POSTS_OF_HEADS | OVERSIGHT


def role_name(key: str, locale: str = "th") -> str:
    """The name of a role in this language; a key nobody knows stays as it is."""
    role = ROLES.get(key)
    if role is None:
        return key
    return role.en if locale == "en" else role.th
