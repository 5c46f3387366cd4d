#!/bin/sh
# debian_source.sh PACKAGE VERSION: downloads PACKAGE's source at VERSION into the current folder and
# unpacks it as ./source. Uses the machine's own package sources, from a private copy that asks for
# sources too; needs no root and changes none of the machine's settings.
set -eu
package=$1 version=$2
state=$PWD/apt
mkdir -p "$state/lists/partial" "$state/sources"

for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    sed 's/^Types:.*/Types: deb-src/' "$file" >"$state/sources/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] || continue
    sed -n 's/^deb /deb-src /p' "$file" >"$state/sources/$(basename "$file")"
done

private() {
    apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$state/sources" \
        -o "Dir::State::lists=$state/lists" -o APT::Sandbox::User= "$@"
}
private update
private source --download-only "$package=$version"
dpkg-source --no-check -x "${package}_${version#*:}.dsc" source
rm -rf "$state"
