#!/usr/bin/env bash
# matrix.sh [DIR] - `make kernels`: the datapath on Debian's kernels, each in an emulated machine; prints a Markdown table.
#
# In:    DIR keeps the kernels (about 400 MB; default: /var/tmp/weir-kernels). SUITES: Debian suites; SHORT=1: verifier and one lab.
#        CHECKS: only these of its scripts, e.g. "netkit.sh ipvlan.sh".
#        KERNEL: a kernel of your own instead of Debian's: a bzImage, or a folder with vmlinuz* and lib/modules/VERSION. It needs BTF,
#        initramfs, a serial port, veth, clsact, cls_bpf, nftables with nat, and conntrack, as modules or built in.
# Out:   a row for each kernel: what each check found; then what arm64.sh found, if qemu-system-aarch64 is installed. 0 if all are right, 77 if the kernels cannot be fetched.
set -eu
here=$(dirname "$(realpath "$0")")
dir=${1:-/var/tmp/weir-kernels}
read -ra suites <<<"${SUITES:-bookworm-security trixie-security forky}"
caps='--bounding-set=-all,+bpf,+perfmon,+net_admin --inh-caps=-all,+bpf,+perfmon,+net_admin'
mkdir -p "$dir"
# own KERNEL: links to it from a folder that boot.sh takes; prints the folder's name
own() {
  local folder=$dir/own
  rm -rf "$folder"
  mkdir -p "$folder"
  if [ -d "$1" ]; then ln -s "$(realpath "$1")" "$folder/given"; else ln -s "$(realpath "$1")" "$folder/vmlinuz"; fi
  file -bL "$(find -L "$folder" -name 'vmlinuz*' -type f | head -1)" | sed 's/.*version \([^ ]*\).*/\1/' >"$folder/version"
  basename "$folder"
}

if [ -n "${KERNEL:-}" ]; then
  suites=("$(own "$KERNEL")")
else
  "$here/kernels.sh" "$dir" "${suites[@]}" >&2 || { echo "skipped: Debian's kernels cannot be fetched" >&2; exit 77; }
fi
"$here/guest.sh" "$dir/guest.cpio"
bad=0
# a script's exit code where the kernel lacks what it is about
skipped=77

# run SUITE SCRIPT [NAME=VALUE...]: sets `result` to the script's last line
run() {
  local log=$dir/$1/log
  local guest=("$dir/$1" "$dir/guest.cpio")
  local boot=("$here/boot.sh" "${guest[@]}" "$here/$2" "${@:3}")
  # it boots a guest of its own, with systemd
  [ "$2" != unit.sh ] || boot=("$here/unit.sh" "${guest[@]}")
  "${boot[@]}" >"$log" 2>"$log.cost" && rc=0 || rc=$?
  result=$(grep -E '^(lab|verifier|service|netkit|ipvlan|shapes|unit): ' "$log" | tail -1 | sed 's/^[a-z]*: //')
  case $rc in 0 | "$skipped") return ;; esac
  bad=$((bad + 1))
  result="FAILED: ${result:-exit code $rc}"
  cut -c1-300 "$log" "$log.cost" >&2
}

echo '| kernel | verifier | Service | IPVS, iptables, Open vSwitch, tunnels | netkit | ipvlan | root | three capabilities, `perf_event_paranoid` 3 | kill -9, 4 x 500 closes | systemd unit |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |'
for suite in "${suites[@]}"; do
  row="| $(cat "$dir/$suite/version") |"
  if [ -n "${SHORT:-}" ]; then
    run "$suite" lab.sh VERIFIER=1 PARANOID=3 "CAPS=$caps"
    row+=" | | | | | | $result | | |"
  else
    for check in 'verifier.sh' 'service.sh LATE=1' 'shapes.sh' 'netkit.sh' 'ipvlan.sh' 'lab.sh PARANOID=2' 'lab.sh PARANOID=3 CAPS' 'lab.sh CRASH=1 CLOSES=500' 'unit.sh'; do
      read -ra words <<<"$check"
      result=
      [[ " ${CHECKS:-${words[0]}} " != *" ${words[0]} "* ]] || run "$suite" "${words[@]/#CAPS/CAPS=$caps}"
      row+=" $result |"
    done
  fi
  echo "$row"
done
if [ -z "${SHORT:-}${KERNEL:-}${CHECKS:-}" ] && command -v qemu-system-aarch64 >/dev/null; then
  rc=0
  SUITES='bookworm-security trixie-security' "$here/arm64.sh" "$dir/arm64" >"$dir/arm64.log" || rc=$?
  echo
  grep -E '^(#|verifier:|arm64:)' "$dir/arm64.log" || true
  case $rc in 0 | "$skipped") ;; *) bad=$((bad + 1)) ;; esac
fi
[ $bad = 0 ]
