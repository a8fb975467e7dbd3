#!/bin/sh
# Runs each Python original NAME.py and records its output in NAME.out. The variable PYTHON names the interpreter, a CPython 3.13.
# The originals that use Trio are recorded only if that interpreter has Trio.
cd "$(dirname "$0")" || exit 1
: "${PYTHON:=python3.13}"

for file in *.py interop/*.py; do
  name="${file%.py}"
  case "$name" in
    tcp-echo-*) continue ;; # the server and its client run together, below
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
