"""Exchange rates: loaded from a file that somebody has, or fetched from an address by the calendar."""

from allocation.services.rates.fetching import UnableToFetchRates, fetch_rates
from allocation.services.rates.loading import UnableToLoadRates, load_rates

__all__ = ["UnableToFetchRates", "UnableToLoadRates", "fetch_rates", "load_rates"]
