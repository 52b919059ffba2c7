"""All tables. Tables name each other in text, so one import has to know them all; everybody imports them from here."""

from osm_flow.store.models.access_records import AccessRecord, RefusalTally, SecurityEvent
from osm_flow.store.models.administration import AdminRecord
from osm_flow.store.models.audit import LogCheckpoint, LoggedCase, LogLeaf, LogNode, SigningKey, Witness
from osm_flow.store.models.books import (
    Book,
    BookEntry,
    ChangeBody,
    Correction,
    EntryReason,
    RecordChange,
    RecordSet,
    ToLog,
)
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
from osm_flow.store.models.files import FileContent, KeptFile, RecordFile
from osm_flow.store.models.imports import ImportFile, ImportHead, ImportLeftRow
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
    FiscalDate,
    HolidayOverride,
    OfficeHoliday,
    OutgoingLetter,
    Project,
)
from osm_flow.store.models.privacy import Access, ErasureItem, ErasureList, ErasureRequest, ErasureText, LegalHold
from osm_flow.store.models.rebuilding import PutBackRow, Rebuilding
from osm_flow.store.models.sensitive import CaseReader, SensitiveOpening, UnmarkProposal
from osm_flow.store.models.work_items import Attachment, Candidate, Comment, Draft, WorkItem

__all__ = [
    "Access",
    "AccessRecord",
    "AdminRecord",
    "Attachment",
    "Book",
    "BookEntry",
    "BusinessKeyCounter",
    "CalendarChange",
    "Candidate",
    "Case",
    "CaseCheckpoint",
    "CaseReader",
    "CaseState",
    "ChangeBody",
    "Comment",
    "Correction",
    "Deployment",
    "DiagramProposal",
    "Draft",
    "ElementVisit",
    "EntryReason",
    "ErasureItem",
    "ErasureList",
    "ErasureRequest",
    "ErasureText",
    "FileContent",
    "FiscalDate",
    "HolidayOverride",
    "IdempotencyKey",
    "ImportFile",
    "ImportHead",
    "ImportLeftRow",
    "Incident",
    "JournalPayload",
    "JournalRecord",
    "KeptFile",
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
    "RecordChange",
    "RecordFile",
    "RecordSet",
    "RefusalTally",
    "Reminder",
    "SchedulerTick",
    "SecurityEvent",
    "SensitiveOpening",
    "ServiceJob",
    "SigningKey",
    "Timer",
    "ToLog",
    "UnmarkProposal",
    "WaitingMessage",
    "Witness",
    "WorkItem",
]
