#!/bin/bash
# Programs that others wrote against ours: the real daemon against moto's AWS with authentication on,
# botocore against our sandbox, curl against the local API.  BUILD names the build folder, whose parts/
# keeps the Python packages between runs.  Closes with one line; no check at all is a failure.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${BUILD:-build}")
python=$build/parts/python wanted=tests/interop/requirements.txt
if ! cmp -s $wanted "$python/.made-of"; then
	echo "installing moto and botocore in $python (once)"
	rm -rf "$python"
	mkdir -p "$build/parts"
	python3 -m venv "$python" && "$python/bin/python" -m pip install -q --disable-pip-version-check -r $wanted || exit 1
	cp $wanted "$python/.made-of"
fi
exec "$python/bin/python" tests/interop/interop.py "$build"
