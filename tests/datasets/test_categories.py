import json
import re

import pytest

from mmmaskformer.datasets.categories import (
    check_agreement,
    default_color,
    load_categories,
    metainfo_of,
    parse_categories,
)

CAT = {'id': 7, 'name': 'cat', 'isthing': 1}
SKY = {'id': 3, 'name': 'sky', 'isthing': 0}


def test_coco():
    categories = load_categories('coco_panoptic')
    assert len(categories) == 133
    assert sum(category.isthing for category in categories) == 80
    assert categories[0][:4] == (1, 'person', True, (220, 20, 60))
    assert categories[-1][:3] == (200, 'rug-merged', False)
    assert load_categories('coco_instance') == categories[:80]


def test_coco_is_that_of_the_true_file(shared):
    path = shared / 'data' / 'coco_panoptic_sample' / 'panoptic_examples.json'
    assert load_categories(path) == load_categories('coco_panoptic')


def test_ade20k():
    """MMSegmentation's names and colors; the things are those MMDetection lists."""
    from mmdet.datasets.ade20k import ADE20KPanopticDataset as MMDetAde20k  # our import fixed these
    from mmseg.datasets import ADE20KDataset

    categories = load_categories('ade20k_panoptic')
    assert [category.id for category in categories] == list(range(150))
    assert [c.name for c in categories] == [name.strip() for name in ADE20KDataset.METAINFO['classes']]
    assert [list(c.color) for c in categories] == ADE20KDataset.METAINFO['palette']
    things = [{category.name, *category.aliases} for category in categories if category.isthing]
    mmdet_things = MMDetAde20k.METAINFO['thing_classes']
    assert len(things) == len(mmdet_things) == 100
    assert all(name in names for names, name in zip(things, mmdet_things))


def test_ade20k_knows_the_names_of_the_original_files():
    found = parse_categories(
        [
            {'id': 8, 'name': 'window ', 'isthing': 1},
            {'id': 90, 'name': 'plane', 'isthing': 1},
            {'id': 6, 'name': 'road, route', 'isthing': 0},
        ],
        'f.json',
    )
    check_agreement(load_categories('ade20k_panoptic'), found, 'f.json')


def test_metainfo_of_classes():
    colored = [{**SKY, 'color': [1, 2, 3]}, CAT]
    assert metainfo_of(load_categories(colored)) == {
        'classes': ('sky', 'cat'),
        'palette': [[1, 2, 3], list(default_color(1))],
        'thing_classes': ('cat',),
        'category_ids': (3, 7),
    }


def test_default_colors_are_distinct():
    assert len({default_color(i) for i in range(200)}) == 200


def test_json_files(tmp_path):
    (tmp_path / 'list.json').write_text(json.dumps([CAT, SKY]))
    (tmp_path / 'dict.json').write_text(json.dumps({'categories': [CAT, SKY]}))
    first = load_categories(str(tmp_path / 'list.json'))
    assert first == load_categories(tmp_path / 'dict.json') == load_categories([CAT, SKY])


@pytest.mark.parametrize(
    ('entries', 'message'),
    [
        ([{'id': 7, 'name': 'cat'}], "f.json: the category {'id': 7, 'name': 'cat'} has no 'isthing'"),
        ([{'name': 'cat', 'isthing': 1}], "has no 'id'"),
        ([{'id': 7, 'isthing': 1}], "has no 'name'"),
        ([CAT, {**SKY, 'id': 7}], "f.json: the categories 7 ('cat') and 7 ('sky') have the same id"),
        ([CAT, {**SKY, 'name': 'cat'}], "the categories 7 ('cat') and 3 ('cat') have the same name"),
        ([], 'f.json: the list of categories is empty'),
    ],
)
def test_bad_list(entries, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_categories(entries, 'f.json')


def test_instance_files_need_no_isthing():
    assert parse_categories([{'id': 7, 'name': 'cat'}], 'f.json', all_things=True)[0].isthing


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        ({**CAT, 'id': 8}, "f.json: the category 8 ('cat') is not in the list of 2 categories"),
        ({**CAT, 'name': 'dog'}, "f.json: the category 7 ('dog') is 'cat' in the list"),
        ({**CAT, 'isthing': 0}, "f.json: the category 7 ('cat') has isthing=0, but isthing=1 in the list"),
    ],
)
def test_file_that_disagrees_with_the_list(entry, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_agreement(load_categories([SKY, CAT]), parse_categories([entry], 'f.json'), 'f.json')


def test_unknown_list():
    with pytest.raises(
        FileNotFoundError, match=r"categories='coco' is neither a file nor one of ade20k_panop"
    ):
        load_categories('coco')
