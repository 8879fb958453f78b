#!/usr/bin/env bash
# The browser tests need Chromium. Where it is missing and we may install it, do; otherwise those tests say they skip.
set -u
command -v chromium >/dev/null || command -v chromium-browser >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null && exit 0
fi
echo "Chromium could not be installed; the browser tests will be skipped."
