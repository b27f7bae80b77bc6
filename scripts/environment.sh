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
    local python
    python=$(find_python) || return
    rm -rf .venv
    "$python" -m venv .venv || return
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

# Prints the first Python that is new enough and can make virtual environments. Debian and Ubuntu
# have `venv` in a package of its own; what is missing without it is `ensurepip`.
find_python() {
  local name old='' bare=''
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    command -v "$name" > /dev/null || continue
    if ! "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      old=$name
    elif "$name" -c 'import ensurepip, venv' 2> /dev/null; then
      echo "$name"
      return
    else
      bare=${bare:-$name}
    fi
  done
  if [ -n "$bare" ]; then
    echo "error: \`$bare\` has no \`venv\`, which makes virtual environments" >&2
    echo "hint: install it: \`apt install $bare-venv\` on Debian and Ubuntu" >&2
  elif [ -n "$old" ]; then
    echo "error: \`$old\` is $("$old" -V 2>&1); Python 3.11 or newer is needed" >&2
    echo "hint: install one beside it, such as \`apt install python3.11 python3.11-venv\`" >&2
  else
    echo "error: there is no Python on this machine; 3.11 or newer is needed" >&2
    echo "hint: install it: \`apt install python3 python3-venv\` on Debian and Ubuntu" >&2
  fi
  return 1
}
