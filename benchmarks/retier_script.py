"""What an analyst would write instead: one file, polars, a CSV of the customers in, the list of those that change tier out.

    python retier_script.py customers.csv changes.csv '{"EUR": 0.86}'

It scores by the criteria of the playbook "three axes", gives tiers by its bounds, and keeps whom the dead band keeps. It knows of no
overrides, locks, goals or explanations. Imports nothing of the project, so that a process of its own pays for polars alone.
"""

import json
import sys

import polars as pl

DEAD_BAND = 0.05
BOUNDS = {"global": 750_000, "enterprise": 150_000}
LOGS = {"arr": (4, 10_000, 2_000_000), "expansion": (3, 5_000, 1_000_000)}
AMOUNTS = ("arr", "potential_arr")
LINES = ("health", "adoption", "reputation")
RANKS = {"global": 0, "enterprise": 1, "scale": 2}


def tier(factor: float) -> pl.Expr:
    """Position of the tier with every bound times the factor."""
    found = pl.lit(RANKS["scale"])
    for name, bound in reversed(BOUNDS.items()):
        found = pl.when(pl.col("arr") >= bound * factor).then(RANKS[name]).otherwise(found)
    return found


def score() -> pl.Expr:
    """Weighted points, what is missing left out."""
    parts, weights = [], []
    for name, (weight, low, high) in LOGS.items():
        log = (pl.col(name).clip(low, high).log() - pl.lit(low).log()) / (
            pl.lit(high).log() - pl.lit(low).log()
        )
        parts.append(log * 100 * weight)
        weights.append(pl.col(name).is_not_null() * weight)
    parts += [pl.col(name) for name in LINES]
    weights += [pl.col(name).is_not_null() * 1 for name in LINES]
    return (pl.sum_horizontal(parts) / pl.sum_horizontal(weights)).round(2)


def main(source: str, target: str, rates: dict[str, float]) -> None:
    """Read, score, give tiers, write who changes."""
    numbers = dict.fromkeys((*AMOUNTS, *LINES), pl.Float64)
    customers = pl.read_csv(source, schema_overrides=numbers).filter(pl.col("status") == "active")
    rate = pl.col("currency").replace_strict(rates, default=1.0, return_dtype=pl.Float64)
    customers = customers.with_columns(
        (pl.col("arr") / rate).round(2), (pl.col("potential_arr") / rate).round(2)
    ).with_columns(
        (pl.col("potential_arr") - pl.col("arr")).clip(lower_bound=0).alias("expansion"),
        pl.col("tier").replace_strict(RANKS, default=None, return_dtype=pl.Int32).alias("held"),
    )
    easier, harder = tier(1 - DEAD_BAND), tier(1 + DEAD_BAND)
    stays = (pl.min_horizontal(easier, harder) <= pl.col("held")) & (
        pl.col("held") <= pl.max_horizontal(easier, harder)
    )
    found = customers.with_columns(
        score().alias("score"), pl.when(stays).then(pl.col("held")).otherwise(tier(1)).alias("given")
    )
    changes = found.filter(pl.col("given") != pl.col("held"))
    changes.select("id", "external_id", "tier", "given", "score").write_csv(target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
