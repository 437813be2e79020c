"""Exchange rates: read from the ECB's file or a plain one, kept in units per 1 base currency."""

import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.importing.errors import FileRefused
from accounts.importing.rates import Rate, read_rates
from accounts.models import ExchangeRate
from allocation.services.rates import UnableToLoadRates, load_rates

ECB = "Date,USD,GBP,CYP,\n2026-04-13,1.25,0.875,N/A,\n2026-04-10,N/A,0.9,0.5,\n"


def test_the_ecb_quotes_per_euro_and_we_keep_per_base(tmp_path: Path) -> None:
    file = tmp_path / "ecb.csv"
    file.write_text(ECB)
    # 1 USD = 1/1.25 EUR = 0.8; in GBP 0.875/1.25 = 0.7; the 10th has no USD, so nothing can be said.
    assert read_rates(path=file, base="USD") == [
        Rate("EUR", date(2026, 4, 13), Decimal("0.8")),
        Rate("GBP", date(2026, 4, 13), Decimal("0.7")),
    ]
    assert {rate.currency for rate in read_rates(path=file, base="EUR")} == {"USD", "GBP", "CYP"}


def test_a_zip_and_the_one_day_file_are_read(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("eurofxref.csv", "Date, USD, GBP, \n13 April 2026, 1.25, 0.875, \n")
    file = tmp_path / "ecb.zip"
    file.write_bytes(held.getvalue())
    assert [rate.rate for rate in read_rates(path=file, base="USD")] == [Decimal("0.8"), Decimal("0.7")]


def test_the_plain_file_is_per_base(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("date,currency,rate\n2026-04-13,eur,0.8\n\n2026-04-13,USD,1\n")
    assert read_rates(path=file, base="USD") == [Rate("EUR", date(2026, 4, 13), Decimal("0.8"))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no file of rates"),
        ("name,arr\nx,1\n", "no file of rates"),
        ("date,currency,rate\n2026-02-31,EUR,1\n", "Line 2: “2026-02-31” is no date"),
        ("date,currency,rate\n2026-04-13,EUR,0\n", "above 0"),
        ("date,currency,rate\n2026-04-13,EUR,-1\n", "above 0"),
        ("date,currency,rate\n2026-04-13,EUR,NaN\n", "above 0"),
        ("date,currency,rate\n2026-04-13,EUR,inf\n", "above 0"),
        ("date,currency,rate\n2026-04-13,EUR,1e30\n", "outside"),
        ("date,currency,rate\n2026-04-13,EURO,1\n", "no currency"),
        ("date,currency,rate\n2026-04-13,EUR\n", "found 2 values"),
        ("Date,GBP,\n2026-04-13,0.875,\n", "no rate for the base currency USD"),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(text)
    with pytest.raises(FileRefused, match=words):
        read_rates(path=file, base="USD")


@pytest.mark.django_db
def test_a_second_file_corrects_the_first_and_another_base_is_refused() -> None:
    day = date(2026, 4, 13)
    assert load_rates(rates=[Rate("EUR", day, Decimal("0.8"))], base="USD") == {"currencies": 1, "days": 1}
    load_rates(rates=[Rate("EUR", day, Decimal("0.81"))], base="USD")
    assert ExchangeRate.objects.get().rate == Decimal("0.81")
    with pytest.raises(UnableToLoadRates, match="base currency USD"):
        load_rates(rates=[Rate("USD", day, Decimal("1.2"))], base="EUR")


def test_the_history_of_the_ecb_is_read_whole(inputs: Path) -> None:
    rates = read_rates(path=inputs / "ecb_fx" / "eurofxref-hist.zip", base="USD")
    newest = {rate.currency: rate.rate for rate in rates if rate.day == date(2026, 4, 13)}
    # USD to GBP goes through EUR: 0.87058 / 1.1684
    assert newest["GBP"].quantize(Decimal("1e-6")) == Decimal("0.745104")
    assert len({rate.day for rate in rates}) == 6983
