"""Settings, read once from the environment. Whatever is wrong is said in one go, before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self, cast, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from osm_flow.kept_secrets import kept_secret
from osm_flow.logs import LogFormat

Environment = Literal["production", "demo", "test"]

MINIMUM_KEY_LENGTH = 32
_SECONDS = "must be whole seconds (1 to 86400)"
# How much may be sent and kept, in MB but for the number of drafts; whoever sends a file sends it with a form around it.
_AMOUNTS = (
    "form_mb",
    "long_form_mb",
    "deployment_mb",
    "draft_mb",
    "drafts",
    "file_mb",
    "case_files_mb",
    "office_files_mb",
)
# How long what stands beside the chain of reads is kept.
_DAYS = ("event_days", "read_days")
_LARGEST_SENT = ("form_mb", "long_form_mb", "deployment_mb", "draft_mb", "file_mb")
_WEAK_KEYS = ("secret", "changeme", "change-me", "default", "password", "development", "example")


class SettingsAreWrong(ValueError):
    """The environment cannot be used as it is; the message names every variable at fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"These settings must be put right first: {'; '.join(problems)}")


@dataclass(frozen=True)
class Settings:
    """What differs from one installation to the next; `docs/operations.md` says what each one means."""

    env: Environment = "production"
    database_url: str = ""
    secret_key: str = ""
    data_dir: Path = Path("var")
    base_url: str = "http://127.0.0.1:8000"
    smtp_url: str = ""
    mail_from: str = "osm-flow@localhost"
    timezone: str = "Asia/Bangkok"
    proxies: int = 0
    log_origin: str = ""
    log_format: LogFormat = "auto"
    lock_timeout: int = 10
    statement_timeout: int = 60
    idle_timeout: int = 60
    form_mb: int = 1
    long_form_mb: int = 4
    deployment_mb: int = 25
    draft_mb: int = 1
    drafts: int = 50
    file_mb: int = 20
    case_files_mb: int = 500
    office_files_mb: int = 5120
    event_days: int = 90
    read_days: int = 3650

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Raises SettingsAreWrong naming every variable that cannot be used."""
        given = {name: value.strip() for name, value in environ.items() if name.startswith("OSM_") and value.strip()}
        problems = _problems(given)
        if problems:
            raise SettingsAreWrong(problems)
        data_dir = Path(given.get("OSM_DATA_DIR", "var")).absolute()
        return cls(
            env=cast("Environment", given.get("OSM_ENV", "production")),
            database_url=given.get("OSM_DATABASE_URL", f"sqlite:///{data_dir / 'osm-flow.db'}"),
            secret_key=given.get("OSM_SECRET_KEY", ""),
            data_dir=data_dir,
            base_url=given.get("OSM_BASE_URL", cls.base_url).rstrip("/"),
            smtp_url=given.get("OSM_SMTP_URL", ""),
            mail_from=given.get("OSM_MAIL_FROM", cls.mail_from),
            timezone=given.get("OSM_TIMEZONE", cls.timezone),
            proxies=int(given.get("OSM_PROXIES", "0")),
            log_origin=given.get("OSM_LOG_ORIGIN", ""),
            log_format=cast("LogFormat", given.get("OSM_LOG_FORMAT", cls.log_format)),
            lock_timeout=int(given.get("OSM_LOCK_TIMEOUT", cls.lock_timeout)),
            statement_timeout=int(given.get("OSM_STATEMENT_TIMEOUT", cls.statement_timeout)),
            idle_timeout=int(given.get("OSM_IDLE_TIMEOUT", cls.idle_timeout)),
            **{name: int(given.get(f"OSM_{name.upper()}", getattr(cls, name))) for name in (*_AMOUNTS, *_DAYS)},
        )

    @property
    def is_secure(self) -> bool:
        """Whether the site is served over HTTPS."""
        return self.base_url.startswith("https://")

    def for_demo(self) -> Settings:
        """The same in demo mode, with a random key that is made once and kept in the data folder."""
        return replace(self, env="demo", secret_key=self.secret_key or kept_secret(self.data_dir / "secret-key"))

    def require_servable(self) -> None:
        """Raises SettingsAreWrong when a site with these settings could be taken over."""
        if self.env != "production":
            return
        key = self.secret_key
        if not key:
            problem = f"OSM_SECRET_KEY is missing (at least {MINIMUM_KEY_LENGTH} random characters)"
        elif len(key) < MINIMUM_KEY_LENGTH:
            problem = f"OSM_SECRET_KEY is shorter than {MINIMUM_KEY_LENGTH} characters"
        elif len(set(key)) < 10 or any(weak in key.lower() for weak in _WEAK_KEYS):
            problem = "OSM_SECRET_KEY can be guessed; make one with: python3 -c 'import secrets; print(secrets.token_hex(32))'"
        else:
            return
        raise SettingsAreWrong([problem])


def _problems(given: Mapping[str, str]) -> list[str]:
    checks: dict[str, tuple[Callable[[str], bool], str]] = {
        "OSM_ENV": (lambda v: v in {"production", "demo", "test"}, "must be production, demo or test"),
        "OSM_DATABASE_URL": (_is_database_url, "must begin with sqlite:/// or postgresql://"),
        "OSM_BASE_URL": (_is_web_url, "must be an http:// or https:// address"),
        "OSM_SMTP_URL": (_is_smtp_url, "must look like smtp://, smtp+starttls:// or smtps://user:password@host:587"),
        "OSM_TIMEZONE": (_is_timezone, "is not a known time zone"),
        "OSM_LOG_FORMAT": (lambda v: v in get_args(LogFormat), "must be auto, json or text"),
        "OSM_LOG_ORIGIN": (_is_one_word, "must be one word without a plus sign, such as example.go.th/journal"),
        "OSM_LOCK_TIMEOUT": (_is_seconds, _SECONDS),
        "OSM_STATEMENT_TIMEOUT": (_is_seconds, _SECONDS),
        "OSM_IDLE_TIMEOUT": (_is_seconds, _SECONDS),
        **{f"OSM_{name.upper()}": (_is_amount, "must be a whole number (1 to 1000000)") for name in _AMOUNTS},
        **{f"OSM_{name.upper()}": (_is_sent, "must be whole MB (1 to 500)") for name in _LARGEST_SENT},
        **{f"OSM_{name.upper()}": (_is_days, "must be whole days (90 to 36500)") for name in _DAYS},
        "OSM_PROXIES": (lambda v: v.isdigit() and int(v) < 10, "must be the number of proxies in front (0 to 9)"),
    }
    return [f"{name} {why}" for name, (holds, why) in checks.items() if name in given and not holds(given[name])]


def _is_seconds(value: str) -> bool:
    return value.isascii() and value.isdigit() and 1 <= int(value) <= 86_400


def _is_amount(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 8 and 1 <= int(value) <= 1_000_000


def _is_sent(value: str) -> bool:
    return _is_amount(value) and int(value) <= 500


def _is_days(value: str) -> bool:
    return _is_amount(value) and 90 <= int(value) <= 36_500


def _is_database_url(value: str) -> bool:
    return value.startswith(("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://"))


def _is_web_url(value: str) -> bool:
    return urlsplit(value).scheme in {"http", "https"} and bool(urlsplit(value).hostname)


def _is_smtp_url(value: str) -> bool:
    return urlsplit(value).scheme in {"smtp", "smtp+starttls", "smtps"} and bool(urlsplit(value).hostname)


def _is_one_word(value: str) -> bool:
    return len(value) <= 255 and value.isprintable() and not any(sign.isspace() or sign == "+" for sign in value)


def _is_timezone(value: str) -> bool:
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError):
        return False
    return True
