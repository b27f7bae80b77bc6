# Sourced by ./demo and ./test: makes the virtual environment `.venv`, once.
#
#   environment runtime   what Jettison needs
#   environment dev       that, and what its tests need
#
# A stamp in .venv remembers what was installed; while it agrees, nothing is done.

environment() {
  local kind=$1 wanted
  wanted=$(cat pyproject.toml "requirements/$kind.txt" | sha256sum)
  if [ "$(cat ".venv/.installed-$kind" 2> /dev/null)" = "$wanted" ]; then
    return
  fi
  # What the tests need holds all that Jettison needs.
  if [ "$kind" = runtime ] && [ -x .venv/bin/jettison ] &&
    [ "$(cat .venv/.installed-dev 2> /dev/null)" = "$(cat pyproject.toml requirements/dev.txt | sha256sum)" ]; then
    return
  fi
  echo "==> setting up .venv ($kind)" >&2
  if ! .venv/bin/python -m pip --version > /dev/null 2>&1; then
    rm -rf .venv
    "$(find_python)" -m venv .venv || {
      echo "error: no virtual environment can be made" >&2
      echo "hint: install the package that has Python's \`venv\`; Debian's is python3-venv" >&2
      return 1
    }
  fi
  rm -f ".venv/.installed-$kind"
  local pip=(.venv/bin/python -m pip --quiet --disable-pip-version-check)
  "${pip[@]}" install --require-hashes -r "requirements/$kind.txt"
  "${pip[@]}" install --no-build-isolation --no-deps --no-index --editable .
  # pip compiles what it installs, but not the sources that an editable install points at; where
  # PYTHONDONTWRITEBYTECODE is set, nobody else ever would.
  .venv/bin/python -m compileall -q src
  echo "$wanted" > ".venv/.installed-$kind"
}

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$name" > /dev/null &&
      "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      echo "$name"
      return
    fi
  done
  echo "error: there is no Python 3.11 or newer on this machine" >&2
  return 1
}
