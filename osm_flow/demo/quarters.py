"""The quarters of an execution year in the demo: their reports, visits and the cluster's own report, on the law's days."""

from __future__ import annotations

from osm_flow.demo import papers, reports
from osm_flow.demo.cast import AGENCIES, NAMES, PLANNERS
from osm_flow.demo.register import code_of
from osm_flow.demo.reports import YearOfReports
from osm_flow.demo.stage import DemoStage, Scene

# The cuts of the quarters, as month and day.
_CUTS = {1: "12-31", 2: "03-31", 3: "06-30", 4: "09-30"}


class Quarters:
    """An execution year: its case, and what its projects report; `told_year` is the year as the story has it."""

    def __init__(self, stage: DemoStage, told_year: int, year: YearOfReports) -> None:
        self.stage = stage
        self.law = stage.times.law
        self.told_year = told_year
        self.fiscal_year = stage.times.fiscal_year(told_year)
        self.year = year
        self.case = ""

    def cut(self, quarter: int) -> str:
        """The day of the story on which a quarter ends."""
        return f"{self.told_year - (quarter == 1)}-{_CUTS[quarter]}"

    def code(self, number: int) -> str:
        """The code of the project with this number."""
        return code_of(self.fiscal_year, number)

    def approved(self) -> dict[str, float]:
        """What each project of the year may spend, in millions of baht, by its code."""
        return {self.code(number): entry.approved or 0 for number, entry in enumerate(self.year.entries, 1)}

    def name(self, number: int) -> str:
        """The name of the project with this number."""
        return self.year.entries[number - 1].full_name

    def fill(self, number: int, quarter: int) -> None:
        """The agency of the project's province reports on it."""
        agency = AGENCIES[self.year.entries[number - 1].province]
        values = reports.report(self.year, number, quarter, self.law.iso(self.cut(quarter)), NAMES[agency.username])
        self.stage.do(agency.username, self.case, "fill", about=self.code(number), **values)

    def certify(self, number: int, **values: object) -> None:
        """The project's province certifies the report, or sends it back with a note."""
        planner = PLANNERS[self.year.entries[number - 1].province]
        self.stage.do(planner, self.case, "certify", about=self.code(number), **(values or reports.certified()))

    def validate(self, number: int, who: str = "prasert", **values: object) -> None:
        """The office finds the report right, or sends it back with a note."""
        self.stage.do(who, self.case, "validate", about=self.code(number), **(values or reports.certified()))

    def collect(self, quarter: int, filled: str, certified: str, checked: str) -> Scene:
        """The reports of every project: filled in, certified by the province, checked by the office."""
        numbers = range(1, len(self.year.entries) + 1)
        yield self.law.at(filled)
        for number in numbers:
            self.fill(number, quarter)
        yield self.law.at(certified)
        for number in numbers:
            self.certify(number)
        yield self.law.at(checked)
        for number in numbers:
            self.validate(number)

    def visit(self, number: int, day: str, percent: int) -> Scene:
        """The office goes to see a red project."""
        yield self.law.at(day)
        minutes = reports.site_visit(self.name(number), self.law.done(day), percent)
        self.stage.do("prasert", self.case, "visit", **minutes)

    def conclude(self, quarter: int, days: tuple[str, str, str], head: str = "somchai") -> Scene:
        """The cluster's report up to its signature, by the head or on behalf of the head, and publication."""
        stage, (drafted, considered, signed) = self.stage, days
        yield self.law.at(drafted)
        stage.do("nuchanat", self.case, "draft_report", **reports.cluster_report(self.year, quarter))
        stage.do("thanakorn", self.case, "director_report", **papers.APPROVE)
        yield self.law.at(considered)
        stage.do("pornthip", self.case, "deputy_report", **papers.APPROVE)
        yield self.law.at(signed)
        stage.do(head, self.case, "head_report", **papers.APPROVE)
        stage.do("suriya", self.case, "publish", **papers.publication(self.law, signed))
