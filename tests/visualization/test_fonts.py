"""Class names in any script are legible, or replaced by numbers with a warning on what to install."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from mmmaskformer.visualization import draw_class_bars, draw_panels, fonts, paint_semantic
from mmmaskformer.visualization.label_placement import measure
from mmmaskformer.visualization.panels import PanelRow
from mmmaskformer.visualization.sheets import add_title, draw_legend

ROAD = '道路'


def clear():
    fonts._logged.clear()
    for function in (fonts.machine_fonts, fonts.legible_names, fonts.font_path, fonts._path_for):
        function.cache_clear()


@pytest.fixture
def no_other_fonts(monkeypatch):
    """A machine with no fonts but DejaVu."""
    clear()
    monkeypatch.setattr(fonts, 'findSystemFonts', list)
    yield
    clear()


@pytest.fixture
def chinese(monkeypatch, tmp_path):
    """A machine with a font of two characters, each a full black square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 800), (1000, 800), (1000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square, builder = pen.glyph(), FontBuilder(1000, isTTF=True)
    names = ['.notdef', 'x', *(f'u{ord(letter):x}' for letter in ROAD)]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord('x'): 'x', **{ord(letter): f'u{ord(letter):x}' for letter in ROAD}})
    builder.setupGlyf({name: square if name != '.notdef' else TTGlyphPen(None).glyph() for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable(dict(familyName='Squares', styleName='Regular'))
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / 'Squares-Regular.ttf')
    (tmp_path / 'Broken.ttf').write_bytes(b'nothing')
    clear()
    paths = [str(tmp_path / 'Broken.ttf'), str(tmp_path / 'Squares-Regular.ttf')]
    monkeypatch.setattr(fonts, 'findSystemFonts', lambda: paths)
    yield tmp_path / 'Squares-Regular.ttf'
    clear()


@pytest.mark.parametrize('name', ['road', 'straße', 'дорога', 'οδός', 'דרך', 'طريق', 'Đường', ''])
def test_scripts_of_the_own_font(no_other_fonts, name):
    assert fonts.legible_names((name,)) == (name,)
    assert 'DejaVu' in fonts.font_path(name)


def test_a_font_of_the_machine_is_used(chinese, caplog):
    assert fonts.legible_names(('x', ROAD)) == ('x', ROAD)
    assert fonts.font_path(ROAD) == str(chinese)
    assert not caplog.records
    paper = Image.new('L', (60, 30), 255)
    ImageDraw.Draw(paper).text((0, 0), ROAD, 0, fonts.get_font(ROAD, 20))
    rows, columns = np.nonzero(np.asarray(paper) < 128)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (16, 40), 'two squares of 20x16'


def test_names_without_a_font_are_numbered_and_logged_once(no_other_fonts, monkeypatch):
    records = []
    monkeypatch.setattr(fonts, 'print_log', lambda text, logger, level: records.append((text, level)))
    classes = ('sky', ROAD, '汽车', '\uff46ield \uff12', '🚲')
    for _ in range(2):
        assert fonts.legible_names(classes) == ('sky', 'class 1', 'class 2', 'field 2', 'class 4')
        labels = np.repeat(np.arange(5), 50)[None].repeat(60, 0)
        paint_semantic(np.zeros((60, 250, 3), np.uint8), labels, classes)
    ((text, level),) = records
    assert level == logging.WARNING
    for part in (f'{ROAD} (class 1)', '(field 2)', '🚲 (class 4)', 'fonts-noto-cjk'):
        assert part in text


def test_drawings_have_the_number_not_boxes(no_other_fonts):
    labels, palette = np.zeros((60, 120), int), [[200, 0, 0]]
    image = np.zeros((60, 120, 3), np.uint8)
    numbered = paint_semantic(image, labels, ['class 0'], palette)
    assert (paint_semantic(image, labels, [ROAD], palette) == numbered).all()
    assert (
        np.asarray(draw_legend([(ROAD, (1, 2, 3))], 200)) == draw_legend([('class 0', (1, 2, 3))], 200)
    ).all()
    assert (add_title(image, f'a {ROAD}') == add_title(image, 'a ??')).all()
    row = PanelRow(image, labels, labels)
    assert (np.asarray(draw_panels([row], [ROAD], palette)) == draw_panels([row], ['class 0'], palette)).all()


def test_drawings_use_the_font_of_the_machine(chinese):
    labels, image = np.zeros((60, 120), int), np.zeros((60, 120, 3), np.uint8)
    painted = paint_semantic(image, labels, [ROAD], [[200, 0, 0]])
    white = (painted == 255).all(axis=2).sum()
    width, height = measure(ROAD, 10)
    assert (width, height) == (24, 12)  # two squares of 10x8, and the outline
    assert white == 160


def test_plots(chinese, tmp_path):
    draw_class_bars([(ROAD, 1.0, 2.0), ('街', 3.0, None)], (ROAD, 'b'), 'IoU', tmp_path / 'x.png')
    axes = Figure().add_subplot()
    axes.set_yticks([0, 1, 2, 3], [ROAD, '街', 'a$b$', 'דרך'])
    labels = axes.get_yticklabels()
    fonts.make_legible(labels)
    assert [label.get_text() for label in labels][:3] == [ROAD, '?', 'a$b$']
    assert labels[0].get_fontproperties().get_file() == str(chinese)


def test_right_to_left_letters_without_a_shaper():
    assert fonts._in_visual_order('אבג', True) == 'אבג'
    assert fonts._in_visual_order('אבג', False) == 'גבא'
    assert fonts._in_visual_order('אב 12', False) == '12 בא'
    assert fonts._in_visual_order('car 12', False) == 'car 12'
