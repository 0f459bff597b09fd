#!/bin/sh
# The tests of the plugin in the QGIS of another suite of Debian: `test_in.sh SUITE`, as root. QGIS is
# installed into target/qgis-SUITE (2 GB, kept for the next run); the server is the one that was built here,
# and runs outside. Further arguments go to pytest.
set -eu
cd "$(dirname "$0")/../.."
suite="$1"
shift
root="$PWD/target/qgis-$suite"
server="${REDEDGE:-$PWD/target/release/rededge}"

if [ ! -x "$root/usr/bin/qgis_process" ]; then
    command -v mmdebstrap >/dev/null 2>&1 || .ci/apt mmdebstrap
    rm -rf "$root"
    mmdebstrap --variant=apt --dpkgopt='path-exclude=/usr/share/doc/*' --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=qgis,qgis-providers,python3-qgis,python3-pytest,python3-venv,xvfb,xauth "$suite" "$root"
fi
# What stands in for the server there steps out to run it here.
mkdir -p "$root/host" "$root/opt/rededge/examples" "$root$PWD"
for program in rededge examples/own_process; do
    printf '#!/bin/sh\nexec chroot /host "%s" "$@"\n' "$(dirname "$server")/$program" >"$root/opt/rededge/$program"
    chmod +x "$root/opt/rededge/$program"
done
# A mount namespace of its own: nothing is left mounted. Both sides see the same /tmp and the same sources.
exec unshare --mount sh -c '
    root="$1" && shift
    mount --rbind / "$root/host"
    for folder in /proc /dev /tmp "$PWD"; do mount --rbind "$folder" "$root$folder"; done
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 \
        REDEDGE=/opt/rededge/rededge sh -c "cd \"\$1\" && shift && qgis_process --version | head -n 1 &&
            exec python3 -m pytest -p no:cacheprovider plugin/qgis/tests \"\$@\"" sh "$PWD" "$@"
' sh "$root" "$@"
