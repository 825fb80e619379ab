# What tests share that run dewy once on what they publish.

# once OPTION...: runs dewy once, and keeps what it prints.
once() {
  run --separate-stderr dewy once "$@"
}

# deploy VERSION...: publishes and deploys them, one after the other.
deploy() {
  local version
  for version; do
    publish "$version"
    dewy once --log-level error >/dev/null
  done
}
