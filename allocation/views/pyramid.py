"""The engagement pyramid, what hangs on it, and its lists as files."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Tier
from allocation.charts import concentration as curve
from allocation.charts import pyramid as layers
from allocation.charts.concentration import Mark, concentration_curve
from allocation.charts.pyramid import Block, pyramid_layers
from allocation.charts.svg import Markup, wide_and_narrow
from allocation.forms.pyramid import PyramidForm
from allocation.selectors import tier_lists, wording
from allocation.selectors.outside_books import outside_of_pyramid
from allocation.selectors.pyramid import Layer, Pyramid, pyramid
from allocation.selectors.pyramid_lines import customer_lines
from allocation.services import exporting
from allocation.views.access import for_leads, today
from allocation.views.as_of import as_of
from allocation.views.outside_books import outside_words
from allocation.views.parts import Kpi, page_url, share_class
from allocation.views.pyramid_tables import (
    RISK_WORDS,
    concentration_table,
    exact_hours,
    heads_words,
    layers_table,
    money,
    name_of,
    pct,
    risk_table,
    room_table,
)

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
IN_MEMORY, PIECE = 1_000_000, 65_536  # bytes of a file before it goes to the disk; bytes sent at a time


@require_safe
@for_leads
def pyramid_page(request: HttpRequest) -> HttpResponse:
    """Tiers from the top with customers, ARR, hours and heads; concentration, churn impact, room to grow, lists."""
    user: Any = request.user
    shown = as_of(request)
    form = PyramidForm(request.GET, user=user)
    found = pyramid(user=user, day=shown.day, today=shown.today, chosen=form.chosen)
    narrowed = {name: str(thing.pk) for name, thing in form.picked.items()}
    outside = outside_of_pyramid(
        user=user,
        nobodys=found.nobodys,
        columns=found.columns,
        day=shown.day,
        today=shown.today,
        team=form.chosen.team,
        narrowed=bool({"vertical", "region"} & set(narrowed)),
    )
    urls = ["" if shown.is_past else _customers_url(layer, narrowed) for layer in found.layers]
    tiers = [(_key(layer.tier), name_of(layer)) for layer in found.layers]
    tier = next((key for key, _ in tiers if key == request.GET.get("tier")), "")
    context = {
        "as_of": shown,
        "form": form,
        "narrowed": narrowed,
        "also": [*narrowed.items(), *([("tier", tier)] if tier else [])],
        "found": found,
        "kpis": _kpis(found),
        "chart": _chart(found, urls),
        "layers": layers_table(found, urls=urls),
        "outside": outside_words(outside),
        "curve": _curve(found),
        "concentration": concentration_table(found, urls=urls),
        "risk": risk_table(found, urls=[f"{url}&risk=yes" if url else "" for url in urls]),
        "risk_words": RISK_WORDS,
        "room": room_table(found, urls=urls),
        "lists": [] if shown.is_past else _lists(found, tier=tier, narrowed=narrowed),
        "tiers": tiers,
        "tier": tier,
    }
    return render(request, "pages/pyramid.html", context)


@require_safe
@for_leads
def pyramid_file(request: HttpRequest, kind: str) -> HttpResponse | StreamingHttpResponse:
    """One list as CSV or XLSX: the rows that the page counts, of what the person sees now."""
    ending = request.GET.get("format", "csv")
    if ending not in CONTENT_TYPES:
        return HttpResponseRedirect(reverse("pyramid"))
    on = today()
    form = PyramidForm(request.GET, user=request.user)
    lines = customer_lines(user=request.user, day=on, today=on, chosen=form.chosen)
    chosen = tier_lists.chosen_lines(lines, tier=request.GET.get("tier", ""))
    sheet = exporting.Sheet(tier_lists.list_headers(kind=kind), tier_lists.list_rows(kind=kind, lines=chosen))
    response = StreamingHttpResponse(_written(sheet, ending), content_type=CONTENT_TYPES[ending])
    name = f"pyramid-{kind}-internal-{on.isoformat()}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _written(sheet: exporting.Sheet, ending: str) -> Iterator[bytes]:
    """The file piece by piece. It is made when the first piece is asked for, so that who asks for the head only makes none."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as made:
        if ending == "csv":
            # With the mark: spreadsheets take a file without it for Windows-1252.
            text = io.TextIOWrapper(made, encoding="utf-8-sig", newline="")
            exporting.write_csv(sheet=sheet, out=text)
            text.detach()
        else:
            exporting.write_workbook(sheet=sheet, out=made)
        made.seek(0)
        while piece := made.read(PIECE):
            yield piece


@dataclass(frozen=True)
class ListRow:
    """One list on the page: for whom, how many rows, what they add up to, where the files are."""

    label: str
    whom: str
    rows: str
    rows_trace: str
    total: str
    total_trace: str
    csv_url: str
    xlsx_url: str


def _lists(found: Pyramid, *, tier: str, narrowed: Mapping[str, str]) -> list[ListRow]:
    layer = next((one for one in found.layers if tier and _key(one.tier) == tier), found.total)
    asked = {**narrowed, **({"tier": tier} if tier else {})}
    rows = []
    for kind, totals in tier_lists.list_totals(layer=layer).items():
        one = tier_lists.LISTS[kind]
        url = reverse(f"pyramid_{kind}")
        rows.append(
            ListRow(
                label=one.label,
                whom=one.whom,
                rows=wording.grouped(totals.rows),
                rows_trace=f"{totals.rows:,} of the {layer.customers:,} customers of the tier and filters chosen.",
                total=f"{money(totals.cents)}{wording.SPACE}{settings.BASE_CURRENCY}",
                total_trace=f"The {one.summed} of these {wording.counted(totals.rows, 'customer')}: the sum of the column "
                f"{one.summed_column} of the file.",
                csv_url=f"{url}?{urlencode({**asked, 'format': 'csv'})}",
                xlsx_url=f"{url}?{urlencode({**asked, 'format': 'xlsx'})}",
            )
        )
    return rows


def _key(tier: Tier | None) -> str:
    return str(tier.pk) if tier else tier_lists.NO_TIER


def _customers_url(layer: Layer, narrowed: Mapping[str, str]) -> str:
    """The customers of the layer in the list."""
    of_layer = {"tier": str(layer.tier.pk)} if layer.tier else {"gap": "no_tier"}
    return page_url("customers", query="?" + urlencode({**of_layer, **narrowed}))


def _kpis(found: Pyramid) -> list[Kpi]:
    total, base = found.total, settings.BASE_CURRENCY
    half, customers = total.concentration.half, wording.counted(total.customers, "customer")
    heads = "no CSM with hours in this scope" if total.heads is None else wording.counted(total.heads, "head")
    return [
        Kpi(
            "Customers",
            wording.grouped(total.customers),
            note=f"{total.without_csm:,} without a CSM" if total.without_csm else "each with a CSM",
            icon="customers",
            trace="Active customers that you may see, of the team, vertical and region chosen.",
        ),
        Kpi(
            "ARR",
            wording.compact(wording.from_cents(total.arr_cents), base),
            note="some amounts have no rate" if found.problem else f"{money(total.arr_cents)} {base}",
            tone="warn" if found.problem else "",
            icon="rates",
            trace=f"ARR of {customers}, each turned into {base} at today's rate and rounded to the cent, added up: "
            f"{money(total.arr_cents)} {base}. {total.without_arr:,} without a known amount or rate count 0.",
        ),
        Kpi(
            "Hours a month",
            wording.hours_and_minutes(total.minutes),
            note=f"{heads}, full time",
            icon="attention",
            trace=f"What the touch plans ask: {exact_hours(total.minutes)}.\n{heads_words(total, found.full_time)}",
        ),
        Kpi(
            "Half of the ARR",
            wording.DASH if half is None else wording.counted(half, "customer"),
            note="" if half is None else f"{pct(Fraction(half, total.customers))} of all",
            icon="pyramid",
            trace="The fewest customers that bring half of the ARR or more, from the largest down.",
        ),
        Kpi(
            "ARR at risk",
            wording.compact(wording.from_cents(total.risk.cents), base),
            note=f"{pct(total.risk.share)}, {wording.counted(total.risk.customers, 'customer')}",
            tone="warn" if total.risk.customers else "good",
            icon="alert",
            trace=f"{money(total.risk.cents)} {base}. {RISK_WORDS}",
        ),
        Kpi(
            "Room to grow",
            wording.compact(wording.from_cents(total.room.cents), base),
            note=f"{total.room.unknown:,} without a potential"
            if total.room.unknown
            else "all potentials known",
            icon="move",
            trace=f"Potential ARR − ARR, never below 0, of {wording.counted(total.room.known, 'customer')} whose potential is "
            f"recorded: {money(total.room.cents)} {base}.",
        ),
    ]


def _chart(found: Pyramid, urls: Sequence[str]) -> Markup:
    base, blocks = settings.BASE_CURRENCY, []
    for layer, url in zip(found.layers, urls, strict=True):
        touch = layer.tier.get_touch_level_display() if layer.tier else ""
        gone = "no longer in use" if layer.tier and layer.tier.retired else ""
        heads = wording.counted(layer.heads, "head") if layer.heads else ""
        blocks.append(
            Block(
                name=name_of(layer),
                touch=" · ".join(part for part in (gone or touch, heads) if part),
                customers=layer.customers,
                customers_words=(wording.grouped(layer.customers), pct(layer.customers_share)),
                arr=float(layer.arr_cents),
                arr_words=(wording.compact(wording.from_cents(layer.arr_cents), base), pct(layer.arr_share)),
                class_=share_class(layer.tier),
                words=f"{name_of(layer)}: {wording.counted(layer.customers, 'customer')} ({pct(layer.customers_share)}), "
                f"{money(layer.arr_cents)} {base} ({pct(layer.arr_share)} of ARR), "
                f"{wording.hours_and_minutes(layer.minutes)} hours a month" + (f", {heads}" if heads else ""),
                url=url,
                apart=layer in found.apart,
            )
        )
    return wide_and_narrow(
        pyramid_layers(blocks, width=layers.WIDE), pyramid_layers(blocks, width=layers.NARROW)
    )


def _curve(found: Pyramid) -> Markup | None:
    """None without any ARR."""
    figures = found.total.concentration
    if not figures.cents:
        return None
    points = [(100 * n / figures.customers, 100 * cents / figures.cents) for n, cents in figures.curve]
    marks = [
        Mark(
            customers_pct=100 * top.customers / figures.customers,
            arr_pct=100 * top.cents / figures.cents,
            label=f"top {top.pct} %: {pct(top.share, places=0)}",
            words=f"The {wording.counted(top.customers, 'largest customer', 'largest customers')} bring {pct(top.share)} of the ARR",
        )
        for top in figures.tops
    ]
    return wide_and_narrow(
        concentration_curve(points, marks, width=curve.WIDE),
        concentration_curve(points, marks, width=curve.NARROW),
    )
