#!/usr/bin/env bash
# Packs what a machine with a GPU, PyTorch, torchvision, NumPy, SciPy, OpenCV and Matplotlib, but without a package
# index, lacks to run benchmarks/gpu.py; prints the command that runs it there.
#
#   bash benchmarks/pack_gpu.sh [--camvid data/camvid] [--python-version 3.12]
#
# Everything goes to .gpu_pack/, which git ignores: wheels, CamVid at 320x240 as one archive, the commit, run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

camvid='' version=3.12 python=${PYTHON:-python3} pack=.gpu_pack limit_mib=64
while (($#)); do
  case $1 in
    --camvid) camvid=$2 ;;
    --python-version) version=$2 ;;
    *) sed -n 2,7p "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
  shift 2
done

rm -rf "$pack"
mkdir "$pack"
git describe --always --dirty --abbrev=40 > "$pack/commit.txt"

# Names here, versions in requirements/constraints.txt. No dependencies are followed: NumPy and PyTorch are there.
platforms=()
for tag in 2_28 2_27 2_24 2_17 2_12 2_5; do platforms+=(--platform "manylinux_${tag}_x86_64"); done
for tag in manylinux2014 manylinux2010 manylinux1; do platforms+=(--platform "${tag}_x86_64"); done
"$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: -d "$pack/wheels" \
  --python-version "$version" --implementation cp "${platforms[@]}" -c requirements/constraints.txt \
  mmengine mmcv-lite mmsegmentation mmdet mmpretrain \
  addict yapf platformdirs termcolor terminaltables prettytable wcwidth pycocotools shapely mat4py modelindex \
  model-index ordered-set ftfy einops importlib-metadata zipp lazy-importer six markdown click regex pyyaml tqdm \
  rich markdown-it-py mdurl pygments setuptools pytest pluggy iniconfig hypothesis sortedcontainers safetensors

if [[ -n $camvid ]]; then
  "$python" benchmarks/pack_camvid.py "$camvid" "$pack/camvid.tar"
fi

cat > "$pack/run.sh" << 'RUN'
#!/usr/bin/env bash
# bash .gpu_pack/run.sh OUT [arguments of benchmarks/gpu.py]
set -euo pipefail
pack=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$pack/.."
out=$1 work=$(mktemp -d)
shift
trap 'rm -rf "$work"' EXIT
python3 -m pip install -q --disable-pip-version-check --no-index --no-deps --no-compile --no-cache-dir \
  --target "$work/site" "$pack"/wheels/*.whl
ln -s setuptools/_distutils "$work/site/distutils"  # gone from Python 3.12, and .pth files do not work here
python3 -W ignore -m compileall -q -j 0 "$work/site" || true  # once, and not in every process
libraries=$(python3 -c 'import torch, pathlib; print(pathlib.Path(torch.__file__).parents[1])')
find "$libraries/torch/lib" "$libraries/nvidia" -name '*.so*' -exec cat {} + > /dev/null 2>&1 &  # a fresh disk is slow
export PYTHONPATH="$work/site:$PWD" PYTHONUNBUFFERED=1
if [[ -f $pack/camvid.tar ]]; then
  tar -xf "$pack/camvid.tar" -C "$work"
  set -- --camvid "$work/camvid" "$@"
fi
python3 benchmarks/gpu.py --out "$out" "$@"
RUN

tree_kib=$(git ls-files -z --cached --others --exclude-standard | du -c --files0-from=- | tail -1 | cut -f 1)
pack_kib=$(du -s "$pack" | cut -f 1)
echo "$pack: $((pack_kib / 1024)) MiB; with the tree $(((pack_kib + tree_kib) / 1024)) MiB of $limit_mib MiB"
if ((pack_kib + tree_kib > limit_mib * 1024)); then
  echo "That is more than $limit_mib MiB." >&2
  exit 1
fi
echo "On the machine, in a copy of the tree with $pack:"
echo "  bash $pack/run.sh OUT"
