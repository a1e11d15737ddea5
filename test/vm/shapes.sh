# shapes.sh - in a guest: Services by kube-proxy's iptables and IPVS modes, Open vSwitch, and tunnels as uplinks; compares the series.
# Modules: iptable_nat xt_nat xt_statistic xt_conntrack xt_MASQUERADE xt_mark xt_comment xt_tcpudp nft_compat dummy ip_vs ip_vs_rr openvswitch ipip sit ip_gre ip6_gre wireguard geneve vxlan tun
#
# In:    SHAPES: which of `iptables ipvs ovs tunnels`; default: all.
# Out:   a line for each number, then `shapes: N wrong`; exit code 0 if none is. Weir runs with three capabilities.
: "${SHAPES:=iptables ipvs ovs tunnels}"
caps=-all,+bpf,+perfmon,+net_admin
tmp=/tmp/shapes
mkdir -p $tmp
echo 2 >/proc/sys/kernel/perf_event_paranoid
bad=0
missing=
uname -r
in_() { ip netns exec "$@"; }
has() { case " $SHAPES " in *" $1 "*) return 0 ;; esac; return 1; }
# needs COMMAND SHAPE: leaves the shape out where the guest has no such command
needs() { command -v "$1" >/dev/null || { SHAPES=${SHAPES//$2/}; missing+=" $2"; return 1; }; }
space() {
  ip netns add "$1"
  in_ "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  ip -n "$1" link set lo up
}
for name in node far web api; do space $name; done
# the node's uplink, with its default route, to another node
ip link add eth0 netns node type veth peer name eth0 netns far
for side in node:1 far:2; do
  ip -n "${side%:*}" addr add "10.98.0.${side#*:}/24" dev eth0
  ip -n "${side%:*}" addr add "fd98::${side#*:}/64" dev eth0 nodad
  ip -n "${side%:*}" link set eth0 up
done
ip -n node route add default via 10.98.0.2
ip -n node addr add 10.99.0.1/32 dev lo
number=0
for name in web api; do
  number=$((number + 1))
  ip link add v$name netns node type veth peer name eth0 netns $name
  ip -n node link set v$name up
  ip -n node addr add fd99::1/128 dev v$name nodad
  ip -n node route add 10.99.$number.2/32 dev v$name
  ip -n node -6 route add fd99:$number::2/128 dev v$name
  ip -n $name addr add 10.99.$number.2/32 dev eth0
  ip -n $name addr add fd99:$number::2/128 dev eth0 nodad
  ip -n $name link set eth0 up
  for gateway in 10.99.0.1 fd99::1; do
    ip -n $name route add $gateway dev eth0
    ip -n $name route add default via $gateway dev eth0
  done
done

pods='{"id":11,"ips":["10.99.1.2","fd99:1::2"],"identity":101,"namespace":"shop","pod":"web","workload":{"kind":"Deployment","name":"web"},"local":true},
{"id":12,"ips":["10.99.2.2","fd99:2::2"],"identity":102,"namespace":"shop","pod":"api","workload":{"kind":"Deployment","name":"api"},"local":true}'
services='{"ip":"10.96.0.9","port":1,"namespace":"shop","name":"unused"}'
service() { services+=",{\"ip\":\"$1\",\"port\":7000,\"namespace\":\"shop\",\"name\":\"$2\"},{\"ip\":\"$1\",\"port\":6000,\"namespace\":\"shop\",\"name\":\"$2\"}"; }

# As kube-proxy's iptables mode: KUBE-SERVICES, KUBE-SVC-*, KUBE-SEP-*. One of the two endpoints is a pod of the node.
iptables_service() { # COMMAND ADDRESS
  local run="in_ node $1 -t nat" number=${2##*.}
  $run -N KUBE-SVC-$number
  $run -N KUBE-SEP-$number
  $run -A PREROUTING -d "$2"/32 -m comment --comment 'shop/api cluster IP' -j KUBE-SVC-$number
  $run -A KUBE-SVC-$number -m statistic --mode random --probability 1.0 -j KUBE-SEP-$number
  for protocol in tcp:7000 udp:6000; do
    $run -A KUBE-SEP-$number -p "${protocol%:*}" -m "${protocol%:*}" -j DNAT --to-destination "10.99.2.2:${protocol#*:}"
  done
}
if has iptables && needs iptables-nft iptables && needs iptables-legacy iptables; then
  iptables_service iptables-nft 10.96.0.10
  iptables_service iptables-legacy 10.96.0.11
  service 10.96.0.10 by-nft
  service 10.96.0.11 by-legacy
fi

# As kube-proxy's IPVS mode: the address is the node's, on a dummy device.
if has ipvs && needs ipvsadm ipvs; then
  ip -n node link add kube-ipvs0 type dummy
  for address in 10.96.0.12 10.96.0.13; do
    ip -n node addr add $address/32 dev kube-ipvs0
    in_ node ipvsadm -A -t $address:7000 -s rr
    in_ node ipvsadm -a -t $address:7000 -r 10.99.2.2:7000 -m
    in_ node ipvsadm -A -u $address:6000 -s rr
    in_ node ipvsadm -a -u $address:6000 -r 10.99.2.2:6000 -m
    service $address ipvs
  done
  in_ node sysctl -qw net.ipv4.vs.conntrack=1
fi

if has ovs && needs ovs-vswitchd ovs; then
  export OVS_RUNDIR=$tmp OVS_LOGDIR=$tmp OVS_DBDIR=$tmp OVS_SYSCONFDIR=$tmp
  vsctl() { ovs-vsctl --db=unix:$tmp/db.sock "$@"; }
  ovsdb-tool create $tmp/conf.db /usr/share/openvswitch/vswitch.ovsschema
  in_ node ovsdb-server $tmp/conf.db --remote=punix:$tmp/db.sock --unixctl=$tmp/db.ctl >$tmp/ovsdb 2>&1 &
  for _ in $(seq 100); do [ -S $tmp/db.sock ] && break || sleep 0.2; done
  vsctl --no-wait init
  in_ node ovs-vswitchd unix:$tmp/db.sock --unixctl=$tmp/switch.ctl >$tmp/switch 2>&1 &
  vsctl --timeout=60 add-br br-int
  for pod in one:2 two:3; do
    name=${pod%:*}
    space "$name"
    ip link add "$name-6f0c1a" netns node type veth peer name eth0 netns "$name"
    ip -n node link set "$name-6f0c1a" up
    vsctl --timeout=60 add-port br-int "$name-6f0c1a"
    ip -n "$name" addr add "10.99.8.${pod#*:}/24" dev eth0
    ip -n "$name" link set eth0 up
    pods+=",{\"id\":2${pod#*:},\"ips\":[\"10.99.8.${pod#*:}\"],\"identity\":20${pod#*:},\"namespace\":\"shop\",\"pod\":\"$name\",\"workload\":{\"kind\":\"Deployment\",\"name\":\"$name\"},\"local\":true}"
  done
  ip -n node addr add 10.99.8.1/24 dev br-int
  ip -n node link set br-int up
  ip -n node link show ovs-system >/dev/null || { echo 'WRONG Open vSwitch has no datapath in the kernel'; cat $tmp/switch; bad=1; }
fi

# Each tunnel carries the datagrams to one address of the other node.
tunnels=
tunnel() { # NAME KIND ARGUMENTS...
  local name=$1 kind=$2 side other i=$((++tunnel_number))
  shift 2
  for side in node:1:2 far:2:1; do
    other=${side##*:}
    ip -n "${side%%:*}" link add "$name" type "$kind" ${*//@/$other} || { echo "WRONG no $kind"; bad=$((bad + 1)); return; }
    ip -n "${side%%:*}" link set "$name" up
  done
  tunnels+=" $name:$i"
  ip -n far addr add 10.97.$i.2/32 dev lo
  ip -n far addr add fd97:$i::2/128 dev lo nodad
  ip -n node addr add 10.97.$i.1/31 dev "$name" noprefixroute 2>/dev/null
  case $kind in
    vxlan | geneve | gretap)
      ip -n far addr add 10.97.$i.9/24 dev "$name"
      ip -n node addr add 10.97.$i.8/24 dev "$name"
      ip -n node route add 10.97.$i.2/32 via 10.97.$i.9 ;;
    sit) ip -n node -6 route add fd97:$i::2/128 dev "$name" ;;
    *) ip -n node route add 10.97.$i.2/32 dev "$name" ;;
  esac
}
if has tunnels; then
  tunnel_number=0
  tunnel t-ipip ipip remote 10.98.0.@
  tunnel t-gre gre remote 10.98.0.@
  tunnel t-sit sit remote 10.98.0.@
  tunnel t-gre6 ip6gre remote fd98::@
  tunnel t-gretap gretap remote 10.98.0.@
  tunnel t-geneve geneve id 7 remote 10.98.0.@
  tunnel t-vxlan vxlan id 7 remote 10.98.0.@ dstport 4789
  if command -v wg >/dev/null; then
    tunnel t-wg wireguard
    for side in node far; do (umask 077; wg genkey >$tmp/key-$side); wg pubkey <$tmp/key-$side >$tmp/public-$side; done
    in_ node wg set t-wg listen-port 51820 private-key $tmp/key-node peer "$(cat $tmp/public-far)" allowed-ips 0.0.0.0/0 endpoint 10.98.0.2:51820
    in_ far wg set t-wg listen-port 51820 private-key $tmp/key-far peer "$(cat $tmp/public-node)" allowed-ips 0.0.0.0/0 endpoint 10.98.0.1:51820
  fi
fi

echo "{\"endpoints\":[$pods],\"cidrs\":{\"0.0.0.0/0\":2,\"::/0\":2},\"services\":[$services]}" >$tmp/inventory.json
ip netns exec node setpriv --bounding-set=$caps --inh-caps=$caps --no-new-privs -- node /weir/dist/cli/main.js run --source live \
  --uplinks 't-*' --inventory $tmp/inventory.json --report-interval 1s --ring-pages 8 --hubble.listen-address none \
  --web.listen-address 127.0.0.1:10960 >$tmp/log 2>&1 &
for _ in $(seq 300); do
  in_ node traffic get 127.0.0.1 10960 /-/ready >/dev/null 2>&1 && break
  sleep 0.3
done
page() {
  sleep 4
  in_ node traffic get 127.0.0.1 10960 /metrics >$tmp/page || cut -c1-2000 $tmp/log
}
value() { awk -v p="$1" 'BEGIN{n=split(p,a,";")} /^weir_/{ok=1; for(i=1;i<=n;i++) if(index($0,a[i])==0) ok=0; if(ok) s+=$NF} END{printf "%d", s}' $tmp/page; }
want() {
  local got
  got=$(value "$1")
  [ "$got" = "$2" ] && echo "ok $1 = $got" && return
  bad=$((bad + 1))
  echo "WRONG $1: want $2, got $got"
}
both() { # SOURCE DESTINATION CONNECTIONS DATAGRAMS
  local reporter series
  for reporter in source destination; do
    series="source_workload=\"$1\";destination_workload=\"$2\";reporter=\"$reporter\""
    want "weir_connections_opened_total{;$series;TCP" "$3"
    want "weir_flow_packets_total{;$series;UDP" "$4"
  done
}
for name in api one two; do
  in_ $name traffic tserve 7000 2>/dev/null &
  in_ $name traffic usink 6000 2>/dev/null &
done
in_ far traffic usink 6000 &
sleep 1
# send FROM ADDRESS CONNECTIONS DATAGRAMS
send() {
  in_ "$1" traffic tsend "$2" 7000 "$3" 1000
  in_ "$1" traffic usend "$2" 6000 "$4" 50 1
}
connections=0
datagrams=0
if has iptables; then
  send web 10.96.0.10 20 100
  send web 10.96.0.11 20 100
  connections=40
  datagrams=200
fi
if has ipvs; then
  send web 10.96.0.12 20 100
  connections=$((connections + 20))
  datagrams=$((datagrams + 100))
fi
if has ovs; then send one 10.99.8.3 20 100; fi
for each in $tunnels; do
  case $each in
    t-sit:*) in_ web traffic usend "fd97:${each#*:}::2" 6000 50 50 1 ;;
    *) in_ web traffic usend "10.97.${each#*:}.2" 6000 50 50 1 ;;
  esac
done
page
both web api $connections $datagrams
want 'weir_service_unresolved_connections_total' 0
for name in by-nft by-legacy ipvs; do want "weir_flow_packets_total{;destination_workload=\"$name\"" 0; done
if has ovs; then both one two 20 100; fi
for each in $tunnels; do
  in_ node cat "/sys/class/net/${each%:*}/statistics/tx_packets" >$tmp/sent
  echo "sent by ${each%:*}: $(cat $tmp/sent)"
done
want 'weir_flow_packets_total{;source_workload="web";reporter="uplink";UDP' $((50 * $(wc -w <<<"$tunnels")))
# without IPVS's conntrack entries nothing names the backend at the client
if has ipvs; then
  in_ node sysctl -qw net.ipv4.vs.conntrack=0
  send web 10.96.0.13 20 100
  page
  want 'weir_connections_opened_total{;destination_workload="ipvs";reporter="source";TCP' 20
  want 'weir_flow_packets_total{;destination_workload="ipvs";reporter="source";UDP' 100
  want 'weir_service_unresolved_connections_total' 21
fi
grep -h '^weir_packets_ignored_total\|^weir_service_unres\|^weir_interfaces_watched' $tmp/page
[ "$bad" = 0 ] || { grep -h '^weir_flow_packets_total\|^weir_connections_opened' $tmp/page; cut -c1-1500 $tmp/log; }
[ -z "$missing" ] || echo "left out, not installed:$missing"
echo "shapes: $bad wrong"
[ "$bad" = 0 ]
