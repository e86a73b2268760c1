"""What all figures share."""

from matplotlib.lines import Line2D

from fedarm.report.figures.style import add_legend, figure_style, new_figure


def test_a_legend_of_many_arms_stays_in_the_figure():
    with figure_style():
        figure = new_figure(3)
        figure.add_subplot()
        add_legend(figure, [Line2D([], [], label=f"trimmed mean {k}") for k in range(12)])
        figure.draw_without_rendering()
        (legend,) = figure.legends
        box = legend.get_window_extent()
    assert len(legend.get_texts()) == 12
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1
    # Not one below the other either.
    assert box.height < figure.bbox.height / 3


def test_without_handles_there_is_no_legend():
    figure = new_figure(1)
    add_legend(figure, [])
    assert figure.legends == []
