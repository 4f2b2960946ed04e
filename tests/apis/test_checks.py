import re

import pytest
from mmengine.config import Config

from mmmaskformer.apis import check_data


@pytest.fixture
def data(tmp_path):
    """Folders of a data set with one image and one label map."""
    for folder, file in (('img/train', 'a.jpg'), ('ann/train', 'a.png')):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).touch()
    return tmp_path


def config(root, wrap=lambda d: d, **kwargs):
    dataset = {
        'type': 'mmmaskformer.CamVidDataset',
        'data_root': str(root),
        'data_prefix': {'img_path': 'img/train', 'seg_map_path': 'ann/train'},
        **kwargs,
    }
    return Config({'default_scope': 'mmseg', 'train_dataloader': {'dataset': wrap(dataset)}})


def test_complete_data(data):
    check_data(config(data))


def test_missing_data_root(tmp_path):
    message = (
        f'train_dataloader: the folder {tmp_path}/nowhere does not exist: put the data there, '
        f"or set data_root in train_dataloader.dataset (now '{tmp_path}/nowhere')."
    )
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        check_data(config(tmp_path / 'nowhere'))


def test_missing_folder(data):
    prefix = {'img_path': 'img/train', 'seg_map_path': 'ann/other'}
    with pytest.raises(FileNotFoundError, match=r'the folder .*ann/other does not exist'):
        check_data(config(data, data_prefix=prefix))


def test_folder_without_labels(data):
    (data / 'ann/train/a.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'the folder .*ann/train holds no \*\.png file'):
        check_data(config(data))


def test_folder_with_other_suffix(data):
    """An endless sampler over no images would wait for ever."""
    with pytest.raises(FileNotFoundError, match=r'img/train holds no \*\.jpeg file'):
        check_data(config(data, img_suffix='.jpeg'))


def test_suffix_comes_from_the_class(data):
    (data / 'img/train/a.jpg').rename(data / 'img/train/a_leftImg8bit.png')
    check_data(config(data, type='CityscapesDataset', seg_map_suffix='.png'))
    with pytest.raises(FileNotFoundError, match=r'img/train holds no \*\.jpg file'):
        check_data(config(data))


def test_files_in_subfolders_count(data):
    (data / 'img/train/town').mkdir()
    (data / 'img/train/a.jpg').rename(data / 'img/train/town/a.jpg')
    check_data(config(data))


def test_missing_annotation_file(data):
    with pytest.raises(FileNotFoundError, match=r'the file .*train\.txt does not exist'):
        check_data(config(data, ann_file='train.txt'))


@pytest.mark.parametrize(
    'wrap',
    [
        lambda d: {'type': 'RepeatDataset', 'times': 2, 'dataset': d},
        lambda d: {'type': 'ConcatDataset', 'datasets': [d]},
    ],
)
def test_wrapped_data_set(tmp_path, wrap):
    with pytest.raises(FileNotFoundError, match='nowhere does not exist'):
        check_data(config(tmp_path / 'nowhere', wrap))


def test_data_elsewhere_are_not_looked_for():
    check_data(config('s3://bucket/camvid'))


def test_only_the_phases_asked_for(tmp_path):
    check_data(config(tmp_path / 'nowhere'), ('test',))


@pytest.mark.parametrize('name', ['CocoPanopticDataset', 'CocoInstanceDataset', 'ToyPanopticDataset'])
def test_annotation_files_name_images_of_any_suffix(data, name):
    (data / 'img/train/a.jpg').rename(data / 'img/train/a.jpeg')
    (data / 'train.json').touch()
    check_data(config(data, type=f'mmmaskformer.{name}', ann_file='train.json'))
    with pytest.raises(FileNotFoundError, match=r'the file .*val\.json does not exist'):
        check_data(config(data, type=f'mmmaskformer.{name}', ann_file='val.json'))
    (data / 'img/train/a.jpeg').unlink()
    with pytest.raises(FileNotFoundError, match=r'img/train holds no file: put'):
        check_data(config(data, type=f'mmmaskformer.{name}', ann_file='train.json'))
