#!/bin/sh
# Makes a Python environment with what the Python examples need, once, and prints the path of its interpreter.
# LAUREL_EXAMPLES_VENV chooses where; the default is .laurel/examples-venv beside this folder.
# With arguments: venv.sh <requirements> <name> does the same for another list, in .laurel/<name>.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
requirements=${1:-"$here/requirements.txt"}
venv=${LAUREL_EXAMPLES_VENV:-"$here/../.laurel/examples-venv"}
[ $# -lt 2 ] || venv="$here/../.laurel/$2"
done="$venv/requirements.installed"
if ! cmp -s "$requirements" "$done"; then
  python3 -m venv "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >&2
  cp "$requirements" "$done"
fi
echo "$venv/bin/python"
