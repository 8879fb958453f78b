#!/usr/bin/env bash
# Text of the Debian archive for the embedded language model: package descriptions and WordNet's definitions.
# Needs Debian or Ubuntu, apt and its archive; writes descriptions.txt and wordnet.txt into the folder given.
set -euo pipefail
out=$(realpath -m "${1:?usage: workshop/language_model/debian-corpus.sh FOLDER}")
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
apt-get -o Acquire::Languages=en -qq update
/usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_main_i18n_Translation-en* >"$out/descriptions.txt"
(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download wordnet-base && dpkg-deb -x wordnet-base_*.deb .)
cat "$work"/usr/share/wordnet/data.{noun,verb,adj,adv} >"$out/wordnet.txt"
wc -c "$out"/*.txt
