"""Which projects the demo cluster has in three fiscal years. Names and amounts are invented, their kind is not."""

from __future__ import annotations

from dataclasses import dataclass

BUENGKAN, LOEI, NONGKHAI, NONGBUA, UDON = "TH-38", "TH-42", "TH-43", "TH-39", "TH-41"
HIGHWAY = "แขวงทางหลวงอุดรธานีที่ 1"
RURAL = "แขวงทางหลวงชนบทเลย"
IRRIGATION = "โครงการชลประทานเลย"
WORKS = "สำนักงานโยธาธิการและผังเมืองจังหวัดหนองคาย"
AGRICULTURE = "สำนักงานเกษตรจังหวัดหนองบัวลำภู"
TOURISM = "สำนักงานการท่องเที่ยวและกีฬาจังหวัดบึงกาฬ"
LIVESTOCK = "สำนักงานปศุสัตว์จังหวัดอุดรธานี"
COMMERCE = "สำนักงานพาณิชย์จังหวัดอุดรธานี"


@dataclass(frozen=True)
class PlannedProject:
    """A project: amounts in millions of baht.

    revised  what it may spend since its baseline was changed, and the first quarter that reports so.
    """

    name: str
    agency: str
    province: str
    kind: str
    requested: float
    result: str | None = None
    approved: float | None = None
    revised: tuple[int, float] | None = None

    @property
    def plain_name(self) -> str:
        """The name without the word that all names begin with."""
        return self.name.removeprefix("โครงการ")

    @property
    def full_name(self) -> str:
        """The name as the register has it."""
        return f"โครงการ{self.plain_name}"


# The year before: carried over or being finished.
CLOSING: tuple[PlannedProject, ...] = (
    PlannedProject(
        "ปรับปรุงทางหลวงหมายเลข 2 ช่วงเลี่ยงเมืองอุดรธานี", HIGHWAY, UDON, "construction", 42.0, "Y1", 40.5, (4, 40.2)
    ),
    PlannedProject("ก่อสร้างระบบส่งน้ำอ่างเก็บน้ำห้วยน้ำหมาน", IRRIGATION, LOEI, "construction", 28.6, "Y1", 28.6),
    PlannedProject("ปรับปรุงภูมิทัศน์ริมฝั่งโขง อำเภอเมืองหนองคาย", WORKS, NONGKHAI, "construction", 35.2, "Y1", 33.0),
    PlannedProject("พัฒนาจุดชมวิวและเส้นทางท่องเที่ยวภูทอก", TOURISM, BUENGKAN, "construction", 18.4, "Y1", 18.4),
    PlannedProject("ส่งเสริมการแปรรูปข้าวและพืชหลังนา", AGRICULTURE, NONGBUA, "operating", 9.8, "Y1", 9.8),
    PlannedProject("จัดหาเครื่องจักรแปรรูปโคเนื้อคุณภาพสูง", LIVESTOCK, UDON, "durable", 14.5, "Y1", 13.9),
    PlannedProject("ก่อสร้างอาคารตลาดกลางสินค้าเกษตรปลอดภัย", COMMERCE, UDON, "construction", 21.0, "Y1", 20.4),
    PlannedProject("ปรับปรุงถนนทางเข้าแหล่งท่องเที่ยวภูป่าเปาะ", RURAL, LOEI, "construction", 24.3, "Y1", 24.0),
)

# The year being carried out: approved, waiting for its Budget Act.
CURRENT: tuple[PlannedProject, ...] = (
    PlannedProject("ขยายผิวจราจรทางหลวงหมายเลข 210 อุดรธานี-หนองบัวลำภู", HIGHWAY, UDON, "construction", 58.0, "Y1", 55.0),
    PlannedProject("ปรับปรุงถนนสายเศรษฐกิจเลย-เชียงคาน", RURAL, LOEI, "construction", 46.5, "Y1", 44.0, (3, 43.2)),
    PlannedProject("ก่อสร้างเขื่อนป้องกันตลิ่งริมแม่น้ำโขง อำเภอโพนพิสัย", WORKS, NONGKHAI, "construction", 38.0, "Y1", 38.0),
    PlannedProject("เพิ่มประสิทธิภาพระบบชลประทานลุ่มน้ำเลยตอนล่าง", IRRIGATION, LOEI, "construction", 32.4, "Y1", 30.0),
    PlannedProject("พัฒนาท่าเรือท่องเที่ยวและลานวัฒนธรรมริมโขงบึงกาฬ", TOURISM, BUENGKAN, "construction", 27.5, "Y1", 27.5),
    PlannedProject("ก่อสร้างศูนย์รวบรวมและกระจายสินค้าเกษตร", COMMERCE, UDON, "construction", 24.0, "Y1", 22.8),
    PlannedProject("ปรับปรุงแหล่งท่องเที่ยวถ้ำเอราวัณและภูเก้า", TOURISM, NONGBUA, "construction", 16.2, "Y1", 16.2),
    PlannedProject("จัดหาเครื่องจักรแปรรูปยางพาราชุมชน", AGRICULTURE, BUENGKAN, "durable", 15.8, "Y1", 15.0),
    PlannedProject("ติดตั้งระบบสูบน้ำพลังงานแสงอาทิตย์ในพื้นที่แล้งซ้ำซาก", IRRIGATION, NONGBUA, "durable", 19.6, "Y1", 18.0),
    PlannedProject("พัฒนามาตรฐานโคเนื้อและสินค้าปศุสัตว์ลุ่มน้ำโขง", LIVESTOCK, UDON, "operating", 11.5, "Y1", 11.5),
    PlannedProject("ส่งเสริมการตลาดท่องเที่ยวเมืองรองเชื่อมโยงลาว", TOURISM, NONGKHAI, "operating", 12.4, "Y1", 10.0),
    PlannedProject("ยกระดับผู้ประกอบการผ้าทอและสินค้าชุมชน", COMMERCE, NONGBUA, "operating", 8.9, "Y1", 8.9),
    PlannedProject("พัฒนาเกษตรกรรุ่นใหม่และเกษตรอัจฉริยะ", AGRICULTURE, LOEI, "operating", 9.6, "Y1", 8.0),
    PlannedProject("ก่อสร้างลานค้าชายแดนสะพานมิตรภาพแห่งที่ 5", WORKS, BUENGKAN, "construction", 31.0, "Y2", 0.0),
    PlannedProject("ปรับปรุงถนนเข้าสนามบินอุดรธานี", HIGHWAY, UDON, "construction", 29.0, "Y2", 0.0),
    PlannedProject("อบรมมัคคุเทศก์ท้องถิ่น", TOURISM, LOEI, "operating", 3.2, "N", 0.0),
)

# The year being planned: concepts out of the provinces.
CONCEPTS: tuple[PlannedProject, ...] = (
    PlannedProject("โครงการพัฒนาเส้นทางท่องเที่ยวริมโขง 3 จังหวัด", TOURISM, BUENGKAN, "construction", 36.0),
    PlannedProject("โครงการพัฒนาท่าเทียบเรือและจุดพักนักท่องเที่ยว", TOURISM, BUENGKAN, "construction", 18.5),
    PlannedProject("โครงการปรับปรุงทางหลวงชนบทเชื่อมแหล่งท่องเที่ยวภูเรือ", RURAL, LOEI, "construction", 41.0),
    PlannedProject("โครงการเพิ่มแหล่งน้ำต้นทุนลุ่มน้ำเลย", IRRIGATION, LOEI, "construction", 33.2),
    PlannedProject("โครงการศูนย์บริการการค้าชายแดนหนองคาย", WORKS, NONGKHAI, "construction", 28.0),
    PlannedProject("โครงการป้องกันน้ำท่วมเมืองริมโขง", WORKS, NONGKHAI, "construction", 44.5),
    PlannedProject("โครงการศูนย์แปรรูปสินค้าเกษตรปลอดภัย", AGRICULTURE, NONGBUA, "durable", 22.0),
    PlannedProject("โครงการพัฒนาแหล่งเรียนรู้หอยหินและธรณีวิทยา", TOURISM, NONGBUA, "construction", 12.8),
    PlannedProject("โครงการขยายผิวจราจรเชื่อมศูนย์ประชุมอุดรธานี", HIGHWAY, UDON, "construction", 52.0),
    PlannedProject("โครงการพัฒนาห่วงโซ่คุณค่าโคเนื้อลุ่มน้ำโขง", LIVESTOCK, UDON, "operating", 14.6),
    PlannedProject("โครงการจัดหาเครื่องคัดแยกผลไม้เพื่อการส่งออก", COMMERCE, UDON, "durable", 16.4),
    PlannedProject("โครงการพัฒนาเกษตรอัจฉริยะและคาร์บอนเครดิต", AGRICULTURE, LOEI, "operating", 9.9),
)
