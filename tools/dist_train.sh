#!/usr/bin/env bash
# Train with several processes, one per GPU: tools/dist_train.sh CONFIG NUM_PROCESSES [options of tools/train.py]
# Without a GPU the processes run on the CPU.
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each of them.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG NUM_PROCESSES [options of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1
PROCESSES=$2
source "$(dirname "$0")/torchrun.sh"
run_distributed "$PROCESSES" "$TOOLS/train.py" "$CONFIG" --launcher pytorch "${@:3}"
