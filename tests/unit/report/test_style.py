"""What all figures share."""

from dataclasses import replace

from matplotlib.lines import Line2D

from fedarm.report.figures.style import add_legend, colours, figure_style, new_figure

from .conftest import SMALL
from .fabrication import fabricate


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


def test_an_arm_has_one_colour_also_where_a_real_arm_has_tried_a_few(tmp_path):
    arms = ("fedavg", "fedprox")
    settings = fabricate(tmp_path, federated=arms, episodes=4, videos=False, **SMALL)
    tried = tuple(run for run in settings.runs if run.name != "fedavg")
    few = replace(settings, runs=tried, replayed_runs=settings.runs)
    assert colours(few) == colours(settings)
