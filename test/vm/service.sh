# service.sh - in a guest: a Service by DNAT, TCP and one-way UDP, Weir live with three capabilities; compares the series.
#
# In:    LATE=1: nf_conntrack is loaded after Weir's start, as by kube-proxy's first rule.
# Out:   a line for each number, then `service: N wrong`; exit code 0 if none is.
caps=-all,+bpf,+perfmon,+net_admin
mkdir -p /tmp/service
echo 2 >/proc/sys/kernel/perf_event_paranoid
uname -r
in_() { ip netns exec "$@"; }
for name in node web api; do
  ip netns add $name
  in_ $name sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  ip -n $name link set lo up
done
number=0
for name in web api; do
  number=$((number + 1))
  ip link add v$name netns node type veth peer name eth0 netns $name
  ip -n node addr add 10.99.$number.1/30 dev v$name
  ip -n node link set v$name up
  ip -n $name addr add 10.99.$number.2/30 dev eth0
  ip -n $name link set eth0 up
  ip -n $name route add default via 10.99.$number.1
done
in_ node sysctl -qw net.ipv4.ip_forward=1
translate() {
  echo 'table ip kube { chain p { type nat hook prerouting priority -100; ip daddr 10.96.0.10 meta l4proto { tcp, udp } dnat to 10.99.2.2; }; }' |
    in_ node nft -f -
}
nat_modules='nft_nat nft_chain_nat nf_conntrack_netlink nf_nat nf_conntrack'
bad=0
if [ -n "${LATE:-}" ]; then
  for name in $nat_modules; do rmmod $name || { echo "WRONG $name is in use"; bad=1; }; done
else
  translate
fi
cat >/tmp/service/inventory.json <<'J'
{"endpoints":[{"id":11,"ips":["10.99.1.2"],"identity":101,"namespace":"shop","pod":"web","workload":{"kind":"Deployment","name":"web"},"local":true},
{"id":12,"ips":["10.99.2.2"],"identity":102,"namespace":"shop","pod":"api","workload":{"kind":"Deployment","name":"api"},"local":true}],
"cidrs":{"0.0.0.0/0":2},"services":[{"ip":"10.96.0.10","port":7000,"namespace":"shop","name":"api-svc"}]}
J
page() { in_ node traffic get 127.0.0.1 10960 /metrics >/tmp/service/page || cat /tmp/service/log; }
want() {
  local got
  got=$(awk -v p="$1" 'BEGIN{n=split(p,a,";")} /^weir_/{ok=1; for(i=1;i<=n;i++) if(index($0,a[i])==0) ok=0; if(ok) s+=$NF} END{printf "%d", s}' /tmp/service/page)
  [ "$got" = "$2" ] && echo "ok $1 = $got" && return
  bad=$((bad + 1))
  echo "WRONG $1: want $2, got $got"
}
ip netns exec node setpriv --bounding-set=$caps --inh-caps=$caps --no-new-privs -- node /weir/dist/cli/main.js run --source live \
  --interfaces 'v*' --inventory /tmp/service/inventory.json --report-interval 1s --ring-pages 8 --hubble.listen-address none \
  --web.listen-address 127.0.0.1:10960 >/tmp/service/log 2>&1 &
for _ in $(seq 300); do
  in_ node traffic get 127.0.0.1 10960 /-/ready >/dev/null 2>&1 && break
  sleep 0.3
done
if [ -n "${LATE:-}" ]; then
  while read -r file; do insmod "/vm/modules/$file" 2>/dev/null; done </vm/modules.order # others are there already
  translate
  sleep 3
  page
  [ ! -e /sys/kernel/btf/nf_conntrack ] || ! grep -q bpf_cast_to_kern_ctx /proc/kallsyms || want 'weir_feature{;feature="conntrack";state="on"' 1
fi
in_ api traffic tserve 7000 &
in_ api traffic usink 6000 &
sleep 1
in_ web traffic tsend 10.96.0.10 7000 20 1000
in_ web traffic usend 10.96.0.10 6000 100 50 1
sleep 4
page
for reporter in source destination; do
  pair="source_workload=\"web\";destination_workload=\"api\";reporter=\"$reporter\""
  want "weir_connections_opened_total{;$pair;TCP" 20
  want "weir_flow_packets_total{;$pair;UDP" 100
done
want 'weir_service_unresolved_connections_total' 0
want 'weir_flow_packets_total{;api-svc' 0
echo "service: $bad wrong"
[ "$bad" = 0 ]
