"""All tables. Tables name each other in text, so one import has to know them all; everybody imports them from here."""

from osm_flow.store.models.access_records import AccessRecord, RefusalTally, SecurityEvent
from osm_flow.store.models.administration import AdminRecord
from osm_flow.store.models.audit import LogCheckpoint, LoggedCase, LogLeaf, LogNode, SigningKey, Witness
from osm_flow.store.models.cases import (
    BusinessKeyCounter,
    Case,
    CaseState,
    ElementVisit,
    IdempotencyKey,
    Incident,
    JournalPayload,
    JournalRecord,
)
from osm_flow.store.models.definitions import Deployment, DiagramProposal, ProcessDefinition, ProposedFile
from osm_flow.store.models.jobs import (
    Notification,
    OutboxEntry,
    Reminder,
    SchedulerTick,
    ServiceJob,
    Timer,
    WaitingMessage,
)
from osm_flow.store.models.moments import CaseCheckpoint
from osm_flow.store.models.people import LoginAttempt, Office, Person, Position, Province
from osm_flow.store.models.planning import (
    CalendarChange,
    Contract,
    FiscalDate,
    HolidayOverride,
    OfficeHoliday,
    OutgoingLetter,
    Project,
)
from osm_flow.store.models.privacy import Access, ErasureItem, ErasureRequest, LegalHold
from osm_flow.store.models.rebuilding import PutBackRow, Rebuilding
from osm_flow.store.models.sensitive import CaseReader, SensitiveOpening, UnmarkProposal
from osm_flow.store.models.work_items import Attachment, Candidate, Comment, Draft, WorkItem

__all__ = [
    "Access",
    "AccessRecord",
    "AdminRecord",
    "Attachment",
    "BusinessKeyCounter",
    "CalendarChange",
    "Candidate",
    "Case",
    "CaseCheckpoint",
    "CaseReader",
    "CaseState",
    "Comment",
    "Contract",
    "Deployment",
    "DiagramProposal",
    "Draft",
    "ElementVisit",
    "ErasureItem",
    "ErasureRequest",
    "FiscalDate",
    "HolidayOverride",
    "IdempotencyKey",
    "Incident",
    "JournalPayload",
    "JournalRecord",
    "LegalHold",
    "LogCheckpoint",
    "LogLeaf",
    "LogNode",
    "LoggedCase",
    "LoginAttempt",
    "Notification",
    "Office",
    "OfficeHoliday",
    "OutboxEntry",
    "OutgoingLetter",
    "Person",
    "Position",
    "ProcessDefinition",
    "Project",
    "ProposedFile",
    "Province",
    "PutBackRow",
    "Rebuilding",
    "RefusalTally",
    "Reminder",
    "SchedulerTick",
    "SecurityEvent",
    "SensitiveOpening",
    "ServiceJob",
    "SigningKey",
    "Timer",
    "UnmarkProposal",
    "WaitingMessage",
    "Witness",
    "WorkItem",
]
