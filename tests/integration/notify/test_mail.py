"""The channel of mail: whom it reaches, what it hands over, and when it is closed."""

from __future__ import annotations

import pytest

from osm_flow.notify.channels import Addressee, Channel, Dispatch
from osm_flow.notify.mail import Mail, MailChannel, MailFailed, RecordingMailer
from tests.factories import NOW
from tests.pigeons import Pigeons

NEWS = Dispatch("k", "anan@example.go.th", "เรื่อง", "เนื้อความ", "/work-items/1")


def test_mail_and_any_other_channel_are_used_alike() -> None:
    channels: list[Channel] = [MailChannel(RecordingMailer()), Pigeons()]

    assert [(channel.name, channel.closed) for channel in channels] == [("mail", ""), ("pigeon", "")]


@pytest.mark.parametrize(("email", "address"), [("a@example.go.th", "a@example.go.th"), ("", None), (None, None)])
def test_it_reaches_whoever_has_an_address(email: str | None, address: str | None) -> None:
    assert MailChannel().address_of(Addressee("anan", "อนันต์", email)) == address


def test_it_hands_the_dispatch_to_its_mailer_as_a_mail() -> None:
    mailer = RecordingMailer()

    MailChannel(mailer).send(NEWS, NOW)

    assert mailer.sent == [Mail("k", "anan@example.go.th", "เรื่อง", "เนื้อความ", "/work-items/1")]


def test_without_a_mailer_it_is_closed_and_sends_nothing() -> None:
    MailChannel().send(NEWS, NOW)

    assert MailChannel().closed == "no mail server is set"


def test_its_failure_may_pass() -> None:
    with pytest.raises(MailFailed, match="451") as refused:
        MailChannel(RecordingMailer(refuse="451 later")).send(NEWS, NOW)

    assert refused.value.may_pass
