"""The pyramid's layers: widths are in proportion at half height, mirrored for ARR, and no word is cut by the edge."""

import pytest

from allocation.charts.pyramid import LEAST, NARROW, WIDE, Block, pyramid_layers
from allocation.charts.svg import CHARACTER_PX, wide_and_narrow
from tests.charts.reading import marks, read, titles, words


def block(name, customers, arr, **more):
    given = {
        "touch": "High touch · 12 heads",
        "customers_words": (f"{customers:,}", "12.5 %"),
        "arr_words": ("1,234.5 M USD", "100.0 %"),
        "class_": "tier-1",
        "words": f"{name}: {customers} customers",
    }
    return Block(name=name, customers=customers, arr=arr, **(given | more))


ROWS = [block("Few", 10, 500.0), block("Some", 50, 250.0), block("Many", 100, 0.1)]


def corners(polygon):
    return [tuple(map(float, pair.split(","))) for pair in polygon.get("points").split()]


def width_at_half(polygon):
    top_left, top_right, bottom_right, bottom_left = corners(polygon)
    return (top_right[0] - top_left[0] + bottom_right[0] - bottom_left[0]) / 2


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_widths_at_half_height_are_in_proportion_on_both_sides(width):
    shapes = marks(read(pyramid_layers(ROWS, width=width)), "layer")
    customers, arr = shapes[0::2], shapes[1::2]
    assert width_at_half(customers[1]) == pytest.approx(5 * width_at_half(customers[0]), rel=0.01)
    assert width_at_half(customers[2]) == pytest.approx(10 * width_at_half(customers[0]), rel=0.01)
    assert width_at_half(arr[0]) == pytest.approx(2 * width_at_half(arr[1]), rel=0.01)
    assert width_at_half(arr[2]) >= LEAST  # so little can still be seen


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_customers_grow_downwards_and_arr_is_mirrored(width):
    customers, arr = marks(read(pyramid_layers(ROWS[:1], width=width)), "layer")
    (left, _), (right, _), (low_right, _), (low_left, _) = corners(customers)
    assert right - left < low_right - low_left
    (left, _), (right, _), (low_right, _), (low_left, _) = corners(arr)
    assert right - left > low_right - low_left


def span_of(node):
    """From where to where a text goes, widely measured."""
    x, wide = float(node.get("x")), len(node.text) * CHARACTER_PX
    start = {"middle": x - wide / 2, "end": x - wide}.get(node.get("text-anchor"), x)
    return start, start + wide


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_word_and_no_shape_leaves_the_drawing(width):
    long = "Strategic partners of the northern countries, Switzerland and the rest of the world"
    rows = [
        block(long, 1_234_567, 5.0, touch="Self-service · 12,345 heads"),
        block("Donaudampfschifffahrtsgesellschaft" * 2, 1, 9.0),
        block("No tier", 5, 0.0, apart=True),
    ]
    tree = read(pyramid_layers(rows, width=width))
    svg = next(tree.iter("svg"))
    _, _, wide, high = map(float, svg.get("viewBox").split())
    for node in tree.iter("text"):
        start, end = span_of(node)
        assert start >= -1, node.text
        assert end <= wide + 1, node.text
        assert 0 < float(node.get("y")) < high
    for polygon in marks(tree, "layer"):
        assert all(0 <= x <= wide and 0 <= y <= high for x, y in corners(polygon))


def test_layers_of_which_nothing_is_there_are_a_line_and_no_shape():
    tree = read(pyramid_layers([block("Empty", 0, 0.0)]))
    assert marks(tree, "layer") == []
    assert "Empty" in words(tree)


def test_what_stands_apart_is_below_a_line():
    tree = read(pyramid_layers([*ROWS, block("No tier", 3, 1.0, apart=True)]))
    (limit,) = marks(tree, "line-limit")
    tops = [corners(polygon)[0][1] for polygon in marks(tree, "layer")]
    assert tops[-1] > float(limit.get("y1")) > tops[-3]


def test_a_layer_leads_somewhere_for_the_pointer_and_says_its_numbers():
    tree = read(pyramid_layers([block("<b>", 1, 1.0, url="/customers/?tier=1&team=2")]))
    (link,) = tree.iter("a")
    assert (link.get("href"), link.get("tabindex")) == ("/customers/?tier=1&team=2", "-1")
    assert "<b>: 1 customers" in titles(tree)
    assert list(read(pyramid_layers(ROWS)).iter("a")) == []


def test_both_drawings_are_well_formed_and_nothing_at_all_is_drawn_too():
    read(wide_and_narrow(pyramid_layers(ROWS), pyramid_layers(ROWS, width=NARROW)))
    read(pyramid_layers([]))
