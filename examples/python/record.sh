#!/bin/sh
# Records what CPython 3.13 prints for each original: NAME.py -> NAME.out. Pass the interpreter as PYTHON;
# Trio's are recorded where it has Trio.
cd "$(dirname "$0")" || exit 1
: "${PYTHON:=python3.13}"

for file in *.py interop/*.py; do
  name="${file%.py}"
  case "$name" in
    tcp-echo-*) continue ;; # the pair, below
    interop/trio-*) "$PYTHON" -c 'import trio' 2>/dev/null || continue ;;
  esac
  PYTHONUNBUFFERED=1 "$PYTHON" "$file" >"$name.out" 2>"$name.err" || { cat "$name.err"; exit 1; }
  rm "$name.err"
done

PYTHONUNBUFFERED=1 "$PYTHON" tcp-echo-server.py 8888 >tcp-echo-server.out 2>/dev/null &
server=$!
until PYTHONUNBUFFERED=1 "$PYTHON" tcp-echo-client.py 8888 >tcp-echo-client.out 2>/dev/null; do sleep 0.2; done
sleep 0.2
kill "$server"
wait "$server"
exit 0
