"""Settings: what the environment may say, everything that is wrong said at once, and what no site is opened with."""

from __future__ import annotations

from pathlib import Path

import pytest

from osm_flow.settings import MINIMUM_KEY_LENGTH, Settings, SettingsAreWrong

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"
AMOUNTS = (
    "form_mb",
    "long_form_mb",
    "deployment_mb",
    "draft_mb",
    "drafts",
    "file_mb",
    "case_files_mb",
    "office_files_mb",
)


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "9999999", "²"])
def test_an_amount_is_a_whole_number_that_a_machine_can_have(name: str, value: str) -> None:
    with pytest.raises(SettingsAreWrong, match=f"OSM_{name.upper()} must be"):
        Settings.from_environment({f"OSM_{name.upper()}": value})


@pytest.mark.parametrize("name", ["OSM_EVENT_DAYS", "OSM_READ_DAYS"])
@pytest.mark.parametrize(
    ("value", "is_right"), [("89", False), ("90", True), ("36500", True), ("36501", False), ("ninety", False)]
)
def test_what_stands_beside_the_chain_of_reads_is_kept_for_ninety_days_at_least(
    name: str, value: str, is_right: bool
) -> None:
    if is_right:
        settings = Settings.from_environment({name: value})
        assert int(value) in {settings.event_days, settings.read_days}
    else:
        with pytest.raises(SettingsAreWrong, match=f"{name} must be whole days"):
            Settings.from_environment({name: value})


def test_wrong_settings_are_all_told_at_once() -> None:
    environ = {
        "OSM_ENV": "staging",
        "OSM_DATABASE_URL": "mysql://x",
        "OSM_BASE_URL": "osm",
        "OSM_SMTP_URL": "mail",
        "OSM_TIMEZONE": "Asia/Nowhere",
        "OSM_PROXIES": "many",
    }

    with pytest.raises(SettingsAreWrong) as caught:
        Settings.from_environment(environ)

    assert all(name in str(caught.value) for name in environ)


def test_an_environment_that_says_nothing_is_enough() -> None:
    settings = Settings.from_environment({"PATH": "/bin", "OSM_SECRET_KEY": "", "OSM_PROXIES": "  "})

    assert settings.env == "production"
    assert settings.data_dir == Path("var").absolute()
    assert settings.database_url == f"sqlite:///{settings.data_dir / 'osm-flow.db'}"
    assert (settings.base_url, settings.timezone, settings.proxies) == ("http://127.0.0.1:8000", "Asia/Bangkok", 0)
    assert (settings.secret_key, settings.smtp_url, settings.log_origin) == ("", "", "")


def test_everything_may_be_said_and_blanks_around_it_do_not_count(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "OSM_ENV": "demo",
            "OSM_DATABASE_URL": " postgresql://osm@db/osm ",
            "OSM_SECRET_KEY": KEY,
            "OSM_DATA_DIR": str(tmp_path),
            "OSM_BASE_URL": "https://osm.example.go.th/",
            "OSM_SMTP_URL": "smtps://me:secret@mail.example.go.th:465",
            "OSM_MAIL_FROM": "osm@example.go.th",
            "OSM_TIMEZONE": "Asia/Vientiane",
            "OSM_PROXIES": "2",
            "OSM_LOCK_TIMEOUT": "5",
            "OSM_STATEMENT_TIMEOUT": "30",
            "OSM_IDLE_TIMEOUT": "20",
            "OSM_LOG_ORIGIN": "example.go.th/journal",
            "OSM_LOG_FORMAT": "json",
            **{f"OSM_{name.upper()}": str(at + 1) for at, name in enumerate(AMOUNTS)},
        }
    )

    assert settings == Settings(
        env="demo",
        database_url="postgresql://osm@db/osm",
        secret_key=KEY,
        data_dir=tmp_path,
        base_url="https://osm.example.go.th",
        smtp_url="smtps://me:secret@mail.example.go.th:465",
        mail_from="osm@example.go.th",
        timezone="Asia/Vientiane",
        proxies=2,
        lock_timeout=5,
        statement_timeout=30,
        idle_timeout=20,
        log_origin="example.go.th/journal",
        log_format="json",
        **{name: at + 1 for at, name in enumerate(AMOUNTS)},
    )


def test_the_database_lies_in_the_data_folder_unless_another_is_named(tmp_path: Path) -> None:
    settings = Settings.from_environment({"OSM_DATA_DIR": str(tmp_path / "here")})

    assert settings.database_url == f"sqlite:///{tmp_path / 'here' / 'osm-flow.db'}"


@pytest.mark.parametrize(
    ("name", "value", "is_taken"),
    [
        ("OSM_ENV", "test", True),
        ("OSM_ENV", "Production", False),
        ("OSM_DATABASE_URL", "sqlite:///x.db", True),
        ("OSM_DATABASE_URL", "postgres://db/osm", True),
        ("OSM_DATABASE_URL", "postgresql+psycopg://db/osm", True),
        ("OSM_DATABASE_URL", "sqlite://x.db", False),
        ("OSM_DATABASE_URL", "oracle://db", False),
        ("OSM_BASE_URL", "http://osm", True),
        ("OSM_BASE_URL", "ftp://osm", False),
        ("OSM_BASE_URL", "https://", False),
        ("OSM_BASE_URL", "osm.example.go.th", False),
        ("OSM_SMTP_URL", "smtp+starttls://mail:587", True),
        ("OSM_SMTP_URL", "mail:587", False),
        ("OSM_TIMEZONE", "UTC", True),
        ("OSM_TIMEZONE", "Bangkok", False),
        ("OSM_TIMEZONE", "../etc/passwd", False),
        ("OSM_LOG_ORIGIN", "สำนักงาน/journal", True),
        ("OSM_LOG_ORIGIN", "two words", False),
        ("OSM_LOG_FORMAT", "auto", True),
        ("OSM_LOG_FORMAT", "xml", False),
        ("OSM_LOG_ORIGIN", "a+b", False),
        ("OSM_LOG_ORIGIN", "x" * 256, False),
        ("OSM_LOCK_TIMEOUT", "3", True),
        ("OSM_LOCK_TIMEOUT", "0", False),
        ("OSM_STATEMENT_TIMEOUT", "86400", True),
        ("OSM_STATEMENT_TIMEOUT", "1.5", False),
        ("OSM_IDLE_TIMEOUT", "60", True),
        ("OSM_IDLE_TIMEOUT", "๖๐", False),
        ("OSM_PROXIES", "9", True),
        ("OSM_PROXIES", "10", False),
        ("OSM_PROXIES", "-1", False),
        ("OSM_PROXIES", "1.5", False),
    ],
)
def test_each_variable_is_looked_at(name: str, value: str, is_taken: bool) -> None:
    if is_taken:
        assert Settings.from_environment({name: value})
    else:
        with pytest.raises(SettingsAreWrong, match=name):
            Settings.from_environment({name: value})


def test_a_wrong_address_of_the_database_is_not_repeated_with_its_password() -> None:
    with pytest.raises(SettingsAreWrong) as caught:
        Settings.from_environment(
            {"OSM_DATABASE_URL": "mysql://osm:hunter2@db", "OSM_SMTP_URL": "imap://me:hunter2@mail"}
        )

    assert "hunter2" not in str(caught.value)


# ---- what a site is opened with --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "is missing"),
        ("a1b2c3d4e5f6" * 2, "is shorter than"),
        ("ab" * 20, "can be guessed"),
        ("this-is-not-really-a-Secret-0123456789", "can be guessed"),
        (KEY[: MINIMUM_KEY_LENGTH - 1], "is shorter than"),
        (KEY[:MINIMUM_KEY_LENGTH], ""),
        (KEY, ""),
    ],
)
def test_a_site_in_production_has_a_key_that_nobody_guesses(key: str, problem: str) -> None:
    settings = Settings(secret_key=key)
    if not problem:
        settings.require_servable()
        return
    with pytest.raises(SettingsAreWrong, match=problem) as caught:
        settings.require_servable()
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("env", ["demo", "test"])
def test_elsewhere_any_key_will_do(env: str) -> None:
    Settings(env=env, secret_key="x").require_servable()  # type: ignore[arg-type]


@pytest.mark.parametrize(("address", "secure"), [("https://osm", True), ("http://osm", False)])
def test_a_site_is_as_secure_as_its_address(address: str, secure: bool) -> None:
    assert Settings(base_url=address).is_secure is secure


# ---- the demo --------------------------------------------------------------------------------------------------------


def test_a_demo_makes_its_key_once_and_keeps_it(tmp_path: Path) -> None:
    first = Settings(data_dir=tmp_path).for_demo()

    assert len(first.secret_key) == 64
    assert first == Settings(data_dir=tmp_path).for_demo()
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


def test_a_demo_takes_the_key_that_it_was_given(tmp_path: Path) -> None:
    demo = Settings(data_dir=tmp_path, secret_key=KEY, proxies=1).for_demo()

    assert (demo.env, demo.secret_key, demo.proxies) == ("demo", KEY, 1)
    assert list(tmp_path.iterdir()) == []
