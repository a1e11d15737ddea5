#!/usr/bin/env bash
# unit.sh KERNEL GUEST.cpio [PARANOID] - the systemd unit as `make install` leaves it, started by a real systemd in an emulated machine.
#
# In:    KERNEL as boot.sh takes it; systemd on this machine. PARANOID: kernel.perf_event_paranoid (default 3).
# Out:   what unit-guest.sh prints, and its exit code.
set -eu
here=$(dirname "$(realpath "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root
mkdir -p "$root"
make -s -C "$here/../.." install DESTDIR="$root" >/dev/null

# systemd, its libraries and the units that multi-user.target needs
programs="/lib/systemd/systemd /bin/systemctl"
for program in $programs; do
  install -D -m 755 "$(realpath "$program")" "$root$program"
  ldd "$program" | grep -o '/[^ ]*' | while read -r file; do install -D -m 755 "$(realpath "$file")" "$root$file"; done
done
install -D -m 755 /lib/x86_64-linux-gnu/libnss_systemd.so.2 "$root/usr/lib/x86_64-linux-gnu/libnss_systemd.so.2"
units=$root/usr/lib/systemd/system
mkdir -p "$units" "$root/etc/systemd/system/multi-user.target.wants"
for target in basic sysinit multi-user shutdown network; do cp "/lib/systemd/system/$target.target" "$units/"; done
# systemd is process 1, and runs the script as a unit
sed 's|^/usr/bin/bash /vm/script.*|exec /lib/systemd/systemd --log-target=console|' "$here/init" >"$root/init"
chmod 755 "$root/init"
cat >"$root/etc/systemd/system/script.service" <<'U'
[Service]
Type=oneshot
ExecStart=/usr/bin/bash -c '/usr/bin/bash /vm/script; printf "\n@@ rc=%%s\n" $?; sleep 0.2; poweroff -f'
StandardOutput=file:/dev/ttyS1
StandardError=inherit
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
[Install]
WantedBy=multi-user.target
U
ln -s ../script.service "$root/etc/systemd/system/multi-user.target.wants/script.service"
ln -s /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
printf 'root:x:0:0:root:/root:/bin/bash\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
printf 'passwd: files systemd\ngroup: files systemd\n' >"$root/etc/nsswitch.conf"
echo 00000000000000000000000000000001 >"$root/etc/machine-id"
# weir.service calls node by env
mkdir -p "$root/usr/bin" && ln -s /bin/busybox "$root/usr/bin/env"
(cd "$root" && find . | cpio -o -H newc --quiet -R 0:0) >"$tmp/unit.cpio"
cat "$2" "$tmp/unit.cpio" >"$tmp/guest.cpio"
exec "$here/boot.sh" "$1" "$tmp/guest.cpio" "$here/unit-guest.sh" "PARANOID=${3:-3}"
