#!/bin/sh
# Ends the making of a stand-in's root file system, before it becomes an archive.
#
#   rootfs.sh ROOT PYTHON OUT [TRUSTED]
#
# OUT takes Python's full version. With TRUSTED, a bundle of authorities, ROOT is of this machine's
# own platform: Python runs once and makes what is alike on every platform, as OUT/common.tar.gz.
set -eu
root=$1 python=$2 out=$3 trusted=${4-}

if [ ! -e "$root/usr/bin/python$python" ]; then
    echo "the suite has no Python $python" >&2
    exit 1
fi

# What Debian calls 3.11.2-6+deb12u6 is Python 3.11.2.
for package in "$root"/var/cache/apt/archives/python"$python"-minimal_*.deb; do
    name=${package##*/}
    name=${name#*_}
    echo "${name%%-*}" >"$out/version"
done

# No package is configured, so dpkg's record of what is installed is written here: what reads an
# image's packages reads that.
mkdir -p "$root/var/lib/dpkg"
(
    LC_ALL=C
    export LC_ALL
    for package in "$root"/var/cache/apt/archives/*.deb; do
        fields=$(dpkg-deb --field "$package")
        printf '%s\n\n' "$fields" | sed 's/^Package: .*/&\nStatus: install ok installed/'
    done
) >"$root/var/lib/dpkg/status"

# The official image has a Python that pip may install into; so has this one.
rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
rm -rf "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/info/* \
    "$root"/usr/share/locale/* "$root"/usr/share/lintian/*

# Packages do these when they are configured, which takes running them.
ln -sf dash "$root/bin/sh"
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
for link in which:which.debianutils cc:gcc; do
    [ ! -e "$root/usr/bin/${link#*:}" ] || ln -sf "${link#*:}" "$root/usr/bin/${link%:*}"
done
mkdir -p "$root/usr/local/bin" "$root/root"
chmod 1777 "$root/tmp"

[ -n "$trusted" ] || exit 0

# The official image's layout: prefix /usr/local, packages in its site-packages. Compiled files go
# by content, for dates would make every build another; without any, each Python that starts under
# emulation would compile what it imports.
library=/usr/lib/python$python
packages=/usr/local/lib/python$python
cp "$trusted" "$root/etc/ssl/certs/ca-certificates.crt"
chroot "$root" /usr/bin/python3 -m venv /usr/local
find "$root/usr/local" -type d -name __pycache__ -prune -exec rm -rf {} +
find "$root$library" -type d -name __pycache__ -prune -exec rm -rf {} +
chroot "$root" /usr/bin/python3 -m compileall -q --invalidation-mode checked-hash \
    "$library" "$packages"
rm "$root/etc/ssl/certs/ca-certificates.crt"
(
    cd "$root"
    find usr/local ".$library" -path '*/__pycache__*' -o -path 'usr/local*' | LC_ALL=C sort |
        tar --create --no-recursion --files-from=- --mtime=@0 --owner=0 --group=0 --numeric-owner |
        gzip --no-name >"$out/common.tar.gz"
)
find "$root$library" -type d -name __pycache__ -prune -exec rm -rf {} +
rm -rf "${root:?}/usr/local"
mkdir -p "$root/usr/local/bin"
