"""Which tables are compared with the chain that proves them, which columns of them are not, and which tables have no source yet."""

from __future__ import annotations

from collections.abc import Mapping

OF_CASES = (
    "cases",
    "work_items",
    "candidates",
    "comments",
    "attachments",
    "timers",
    "waiting_messages",
    "service_jobs",
    "element_visits",
    "journal_payloads",
    "case_readers",
    "unmark_proposals",
    "sensitive_openings",
    "legal_holds",
)

# Those that the first version compared which recorded rows as they are found: its record did not name them.
FOUND_FIRST = (
    "people",
    "positions",
    "holiday_overrides",
    "office_holidays",
    "fiscal_calendar",
    "calendar_changes",
    "legal_holds",
    "deployments",
    "process_definitions",
    "diagram_proposals",
    "proposed_files",
    "rebuildings",
    "put_back_rows",
)

OF_ADMINISTRATION = (
    *FOUND_FIRST,
    "signing_keys",
    "erasure_requests",
)

OF_RECORDS = ("projects",)

# What the checks of chains, states and signatures themselves hold (`osm-flow case verify --all`).
CHAINS = (
    "journal_records",
    "admin_records",
    "access_records",
    "accesses",
    "security_events",
    "case_states",
    "log_leaves",
    "log_checkpoints",
    "books",
    "book_entries",
    "entry_reasons",
    "record_changes",
    "change_bodies",
    "record_sets",
    "corrections",
    "to_log",
)

# Holds on cases stand in their journals, those on people among the records of administration.
COMPARED = tuple(dict.fromkeys((*OF_CASES, *OF_ADMINISTRATION, *OF_RECORDS)))

# Columns of tables that are compared or checked of which no record speaks, and why.
UNPROVEN_COLUMNS: Mapping[tuple[str, str], str] = {
    ("work_items", "name_en"): "a translation of the version that opened it; the search text holds it",
    ("work_items", "version"): "a count of changes, which only keeps two people apart",
    ("candidates", "id"): "the number of the row",
    ("comments", "id"): "the number of the row",
    ("attachments", "id"): "the number of the row",
    ("timers", "attempts"): "how often the scheduler tried",
    ("timers", "lease_owner"): "which scheduler works on it now",
    ("timers", "lease_until"): "until when it does",
    ("service_jobs", "attempts"): "how often the scheduler tried",
    ("service_jobs", "lease_owner"): "which scheduler works on it now",
    ("service_jobs", "lease_until"): "until when it does",
    ("service_jobs", "due_at"): "when it is tried next",
    ("service_jobs", "last_error"): "what the last attempt said",
    ("people", "id"): "the number of the row; journals name people by their user names",
    ("people", "name_salt"): "the records of administration hold it with the name, by their digest",
    ("people", "email"): "not recorded: it names a person",
    ("people", "password_hash"): "a secret is never recorded",
    ("people", "locale"): "everybody's own choice",
    ("people", "employee_number"): "not recorded: it names a person",
    ("people", "session_epoch"): "a count that ends sessions",
    ("projects", "id"): "the number of the row; records are known by their codes",
    ("journal_payloads", "salt"): "the chain holds it by its digest",
    ("journal_payloads", "body"): "the chain holds it by its digest",
    ("unmark_proposals", "id"): "the number of the row",
    ("sensitive_openings", "id"): "the number of the row",
    ("calendar_changes", "id"): "the number of the row",
    ("process_definitions", "id"): "the number of the row; records name key, version and digest",
    ("process_definitions", "name_en"): "a translation",
    ("process_definitions", "xml"): "the records of administration hold the content by its digest",
    ("process_definitions", "forms"): "the records of administration hold the content by its digest",
    ("process_definitions", "decisions"): "the records of administration hold the content by its digest",
    ("put_back_rows", "id"): "the number of the row",
    ("put_back_rows", "salt"): "the records of administration hold it with the words, by their digest",
    ("erasure_requests", "subject"): "the words that are to be erased are recorded nowhere",
    ("erasure_requests", "reason"): "the journals of what was erased have it",
    ("erasure_requests", "done_at"): "the journals of what was erased have it",
    ("erasure_requests", "scrubbed_at"): "when the file of the database was cleared",
    ("signing_keys", "id"): "the number of the row; `osm-flow audit verify` checks which key follows which",
    ("signing_keys", "name"): "`osm-flow audit verify` holds it against what the key signed",
    ("signing_keys", "public_key"): "`osm-flow audit verify` holds it against what it signed, and the trusted keys",
    ("signing_keys", "endorsement"): "`osm-flow audit verify` checks its signatures",
    ("log_checkpoints", "id"): "the number of the row",
    ("log_checkpoints", "actor"): "the signature covers size and root; nothing records who asked for it",
    ("log_checkpoints", "at"): "the signature covers size and root; witnesses have the time of their mail",
    ("books", "id"): "the number of the row; entries and the log know books by their names",
    ("books", "next_number"): "spares a search for a free code; a code that a record has is never given again",
}

# Tables without a source that could prove them, and why.
UNPROVEN: Mapping[str, str] = {
    "business_key_counters": "running numbers; a number given twice is refused by the table of cases",
    "case_checkpoints": "shortcuts; each use compares their digest with the journal",
    "drafts": "what is being typed; nothing records it before it is sent",
    "erasure_items": "compared by the digest that the record of their request has; when each was done stands in its journal",
    "erasure_lists": "compared by the digest that the record of their request has",
    "erasure_texts": "compared by the digest that the record of their request has; when each was done stands in its book",
    "file_contents": "held against their digests wherever a file is named, by attachments and by versions of records",
    "files": "where the bytes lie; they are held against their digests wherever a file is named",
    "idempotency_keys": "which forms were sent already; kept for some days",
    "import_heads": "what columns were chosen to mean last; each list proposes them and a person looks at them",
    "import_left_rows": "rows that an import left aside; the entry of the import says how many",
    "imports": "uploaded files and what was chosen for them; the entries of books say what was imported, with the digest of the file",
    "incidents": "no source yet for what they say",
    "log_nodes": "hashes of subtrees; `osm-flow audit verify` computes them from the leaves",
    "logged_cases": "notes; `osm-flow audit verify` holds them against the leaves",
    "login_attempts": "counted to slow down guessing; kept for some days",
    "notifications": "no source yet",
    "offices": "shipped with the product",
    "outbox": "what is still to be done or sent",
    "outgoing_letters": "no source yet",
    "provinces": "shipped with the product",
    "record_files": "which files the versions of records name; `osm-flow db verify` looks for those files by the versions",
    "refusal_tallies": "refusals that are still being counted",
    "reminders": "no source yet",
    "scheduler_ticks": "when the scheduler was last seen",
    "witnesses": "no source yet",
}
