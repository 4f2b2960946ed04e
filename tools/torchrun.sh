# Read by dist_train.sh and dist_test.sh. PYTHON, NNODES, NODE_RANK, MASTER_ADDR and PORT may be set from outside.
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHON=${PYTHON:-python}

free_port() {
    "$PYTHON" -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
}

run_distributed() {
    local processes=$1 nodes=${NNODES:-1} port
    if [ "$nodes" -gt 1 ]; then
        port=${PORT:-29500} # every machine must know it
    else
        port=${PORT:-$(free_port)}
    fi
    PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}" exec "$PYTHON" -m torch.distributed.run \
        --nnodes="$nodes" \
        --node_rank="${NODE_RANK:-0}" \
        --master_addr="${MASTER_ADDR:-127.0.0.1}" \
        --master_port="$port" \
        --nproc_per_node="$processes" \
        "${@:2}"
}
