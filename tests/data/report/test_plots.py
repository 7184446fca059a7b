import xml.etree.ElementTree as ElementTree

from lokal.data.report.plots import Bar, bars, histogram

SVG = "{http://www.w3.org/2000/svg}"


def drawn(plot: str) -> ElementTree.Element:
    return ElementTree.fromstring(
        str(plot).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    )


def test_bars_are_as_long_as_their_parts_and_stand_with_their_number() -> None:
    rows = [Bar("berita", {"kept": 30, "dropped": 10}, "75 %"), Bar("<b>", {"kept": 20}, "100 %")]
    plot = drawn(bars(rows, title="Rows"))
    widths = [(item.get("class"), float(item.get("width", 0))) for item in plot.iter(f"{SVG}rect")]
    assert widths == [("kept", 315.0), ("dropped", 105.0), ("kept", 210.0)]
    assert [item.text for item in plot.iter(f"{SVG}text")] == ["berita", "75 %", "<b>", "100 %"]


def test_relative_bars_fill_their_line() -> None:
    rows = [Bar("a", {"kept": 1, "held": 1}, ""), Bar("b", {"kept": 1000}, "")]
    plot = drawn(bars(rows, title="Rows", relative=True))
    widths = [float(item.get("width", 0)) for item in plot.iter(f"{SVG}rect")]
    assert widths == [210.0, 210.0, 420.0]


def test_a_histogram_has_two_columns_a_bin_with_short_numbers() -> None:
    plot = drawn(histogram([0, 1_000, 64_000], [5, 0, 1_250], [1, 0, 0], title="Lengths"))
    texts = [item.text for item in plot.iter(f"{SVG}text")]
    assert texts == ["5", "1", "0", "1k", "1.2k", "64k"]
    heights = [float(item.get("height", 0)) for item in plot.iter(f"{SVG}rect")]
    assert max(heights) == 150.0
    assert len(heights) == 6
