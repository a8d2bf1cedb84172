#!/bin/sh
# The example models from nothing: data, training, reports, export. Half an hour to an hour on two cores of a CPU with AMX.
#   ./reproduce.sh [folder for data and runs, default: runs] [folder of the models, default: ..]
set -eu
cd "$(dirname "$0")"
work="${1:-runs}"
models="${2:-..}"

python make_data.py images --out "$work/images" --train 3600 --val 240 --test 360 --seed 1
python make_data.py clips --out "$work/clips" --train 420 --val 60 --test 60 --seed 1

# The segmenter learns from every pixel; the detectors start from what it has learnt.
python train.py recipes/segmenter-cnn.toml --data "$work/images" --out "$work/segmenter"
python train.py recipes/image-cnn.toml --data "$work/images" --out "$work/image" \
  --set "model.init_from=$work/segmenter"
python train.py recipes/video.toml --data "$work/clips" --out "$work/video" \
  --set "model.init_from=$work/image"

for kind in segmenter image video; do
  case $kind in video) data="$work/clips" ;; *) data="$work/images" ;; esac
  python report.py "$work/$kind" --data "$data" --split test
done
python export.py "$work/segmenter" --out "$models/example-segmenter"
python export.py "$work/image" --out "$models/example-image-detector"
python export.py "$work/video" --out "$models/example-video-detector"
