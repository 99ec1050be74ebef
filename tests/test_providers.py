"""The table of well-known providers."""

import tomllib
from importlib import resources

import pytest

from daemon import config
from daemon.providers import Endpoint, by_address, by_exchanger

TABLE = tomllib.loads((resources.files("daemon") / "providers.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("address", "name", "host", "oauth"),
    [
        ("ada@gmail.com", "Gmail", "imap.gmail.com", "google"),
        ("Ada@GoogleMail.com", "Gmail", "imap.gmail.com", "google"),
        ("ada@hotmail.com", "Outlook.com", "outlook.office365.com", "microsoft"),
        ("ada@field.onmicrosoft.com", "Microsoft 365", "outlook.office365.com", "microsoft"),
        ("ada@me.com", "iCloud Mail", "imap.mail.me.com", ""),
        ("ada@web.de", "WEB.DE", "imap.web.de", ""),
        ("ada@pm.me", "Proton Mail, by its Bridge", "127.0.0.1", ""),
    ],
)
def test_a_known_provider_is_found_by_the_address(
    address: str, name: str, host: str, oauth: str
) -> None:
    """However the domain is written."""
    found = by_address(address)
    assert found is not None
    assert (found.source, found.imap.host, found.oauth) == (name, host, oauth)
    assert found.imap.user == address


@pytest.mark.parametrize("address", ["ada@field.example", "ada@notgmail.com", "ada", "ada@", ""])
def test_others_are_not(address: str) -> None:
    """Nor one whose domain only ends alike."""
    assert by_address(address) is None


def test_a_domain_of_ones_own_is_found_by_its_exchanger() -> None:
    """As DNS gives it, with the dot at its end."""
    found = by_exchanger("ada@field.example", "Field-example.mail.protection.OUTLOOK.com.")
    assert found is not None
    assert found.source == "Microsoft 365"
    assert found.smtp == Endpoint(
        host="smtp.office365.com", port=587, security="starttls", user="ada@field.example"
    )
    assert by_exchanger("ada@field.example", "mx.field.example.") is None


@pytest.mark.parametrize("row", TABLE["provider"], ids=lambda row: row["domains"][0])
def test_each_row_makes_an_account(row: dict[str, object]) -> None:
    """What the table says is what the config takes."""
    domains = row["domains"]
    assert isinstance(domains, list)
    for domain in domains:
        found = by_address(f"ada@{domain}")
        assert found is not None
        assert found.source == row["name"]
        assert found.smtp is not None
        for model, server in ((config.Imap, found.imap), (config.Smtp, found.smtp)):
            model(host=server.host, port=server.port, security=server.security, user=server.user)


def test_no_domain_stands_twice() -> None:
    """Or the first row would hide the second."""
    domains = [domain for row in TABLE["provider"] for domain in row["domains"]]
    assert len(domains) == len(set(domains))
