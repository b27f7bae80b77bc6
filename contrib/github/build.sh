#!/usr/bin/env bash
# build.sh: the action's one step.
#
# In:  INPUTS, the action's inputs as a JSON object; GITHUB_* of the runner.
# Out: lines in GITHUB_OUTPUT, a table in GITHUB_STEP_SUMMARY, the exit status of `jettison build`.
set -euo pipefail

if ! command -v jettison > /dev/null; then
  python3 -m venv "$RUNNER_TEMP/jettison"
  "$RUNNER_TEMP/jettison/bin/pip" install --quiet "$(jq -r '.jettison' <<< "$INPUTS")"
  PATH="$RUNNER_TEMP/jettison/bin:$PATH"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
argv=(--metadata-file "$work/metadata.json")

input() { jq -r --arg name "$1" '.[$name] // ""' <<< "$INPUTS"; }
is_on() { [ "$(input "$1")" = true ]; }
note() { echo "::notice title=jettison::\`$1\` changes nothing: $2"; }

# one INPUT FLAG: a flag with the whole input.
one() {
  local value
  value=$(input "$1")
  if [ -n "$value" ]; then argv+=("$2" "$value"); fi
}

# each INPUT FLAG [PREFIX]: a flag for each line of an input.
each() {
  local line
  while IFS= read -r line; do
    line=${line%$'\r'}
    if [ -n "${line// /}" ]; then argv+=("$2" "${3:-}$line"); fi
  done <<< "$(input "$1")"
}

each add-hosts --add-host
each allow --allow
each build-args --build-arg
each build-contexts --build-context
each labels --label
each no-cache-filters --no-cache-filter
each outputs --output
each platforms --platform
each ssh --ssh
each ulimit --ulimit
one call --call
one file --file
one network --network
one shm-size --shm-size
one target --target
for name in no-cache pull push load; do
  if is_on "$name"; then argv+=("--$name"); fi
done
for name in attests builder cache-from cache-to cgroup-parent provenance sbom; do
  value=$(input "$name")
  case $name:$value in
    *: | provenance:false | sbom:false) ;;
    cache-*) note "$name" 'the cache is the store: keep it with actions/cache or on the runner' ;;
    builder:*) note "$name" 'there are no builders to choose from' ;;
    cgroup-parent:*) note "$name" 'give the runner the limits' ;;
    *) note "$name" 'images have no attestations' ;;
  esac
done

while IFS= read -r line; do
  line=${line//[[:space:]]/}
  if [ -n "$line" ]; then argv+=(--tag "$line"); fi
done <<< "$(input tags | tr ',' '\n')"

annotations=
while IFS= read -r line; do
  if [ -n "$line" ]; then annotations+=",\"annotation.${line//\"/\"\"}\""; fi
done <<< "$(input annotations)"
if [ -n "$annotations" ]; then
  kind=image
  if is_on push; then kind=registry; fi
  argv+=(--output "type=$kind$annotations")
fi

# Secrets go through files that only this step can read, not through arguments.
number=0
while IFS= read -r line; do
  if [ -n "$line" ]; then
    number=$((number + 1))
    (umask 077 && printf '%s' "${line#*=}" > "$work/secret-$number")
    argv+=(--secret "id=${line%%=*},src=$work/secret-$number")
  fi
done <<< "$(input secrets)"
while IFS= read -r line; do
  if [ -n "$line" ]; then argv+=(--secret "id=${line%%=*},env=${line#*=}"); fi
done <<< "$(input secret-envs)"
while IFS= read -r line; do
  if [ -n "$line" ]; then argv+=(--secret "id=${line%%=*},src=${line#*=}"); fi
done <<< "$(input secret-files)"

context=$(input context)
if [ -z "$context" ]; then
  context="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git#$GITHUB_REF"
  GIT_AUTH_TOKEN=$(input github-token)
  export GIT_AUTH_TOKEN
  argv+=(--secret "id=GIT_AUTH_TOKEN,env=GIT_AUTH_TOKEN")
fi

if [ -n "$(input call)" ] && [ "$(input call)" != build ]; then
  exec jettison build "${argv[@]}" "$context"
fi

sizes=()
if is_on summary; then sizes=(--sizes); fi
jettison build --progress=plain "${sizes[@]}" "${argv[@]}" "$context" > "$work/sizes"
cat "$work/sizes"

fact() { jq -r --arg name "$1" '.[$name] // ""' "$work/metadata.json"; }
{
  echo "imageid=$(fact containerimage.config.digest)"
  echo "digest=$(fact containerimage.digest)"
  echo "metadata<<END-OF-METADATA"
  cat "$work/metadata.json"
  echo END-OF-METADATA
} >> "$GITHUB_OUTPUT"

if is_on summary; then
  {
    echo "### $(fact image.name)"
    echo
    echo "| | |"
    echo "|---|---|"
    echo "| image ID | \`$(fact containerimage.config.digest)\` |"
    if [ -n "$(fact containerimage.digest)" ]; then echo "| digest | \`$(fact containerimage.digest)\` |"; fi
    jq -r '.jettison | "| steps | \(.executed) ran, \(.cached) cached |"' "$work/metadata.json"
    echo
    echo '```'
    cat "$work/sizes"
    echo '```'
  } >> "$GITHUB_STEP_SUMMARY"
fi
