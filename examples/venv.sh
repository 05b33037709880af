#!/bin/sh
# Makes a Python environment with what the Python examples need, once, and prints the path of its interpreter.
# LAUREL_EXAMPLES_VENV chooses where; the default is .laurel/examples-venv beside this folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${LAUREL_EXAMPLES_VENV:-"$here/../.laurel/examples-venv"}
done="$venv/requirements.installed"
if ! cmp -s "$here/requirements.txt" "$done"; then
  python3 -m venv "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$done"
fi
echo "$venv/bin/python"
