// SPDX-License-Identifier: Apache-2.0
/*
 * netkit.c - netkit devices for kernels that are newer than the guest's ip.
 *
 *   netkit add DEVICE PEER forward|blackhole   a pair in L3 mode; the policy is for what the peer sends
 *   netkit redirect DEVICE TARGET              redirects all that DEVICE's peer sends to the egress of TARGET, until killed
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/if_link.h and bpf.h of 6.7 */
enum { NETKIT_PEER_INFO = 1, NETKIT_PEER_POLICY = 4 };
enum { NETKIT_FORWARD = 0, NETKIT_BLACKHOLE = 2 };
enum { ATTACH_NETKIT_PEER = 55 };

struct request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	char attributes[512];
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct rtattr *put(struct request *r, int type, const void *data, size_t size)
{
	struct rtattr *at = (void *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));

	at->rta_type = type;
	at->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(at), data, size);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(at->rta_len);
	return at;
}

static void end(struct request *r, struct rtattr *nest)
{
	nest->rta_len = (char *)r + r->header.nlmsg_len - (char *)nest;
}

static void add(const char *device, const char *peer, uint32_t policy)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct ifinfomsg none = {};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char request[1024];
	} answer;
	struct request r = {
	    .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
		       .nlmsg_type = RTM_NEWLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK},
	};
	struct rtattr *info, *data, *other;

	put(&r, IFLA_IFNAME, device, strlen(device) + 1);
	info = put(&r, IFLA_LINKINFO, NULL, 0);
	put(&r, IFLA_INFO_KIND, "netkit", sizeof("netkit"));
	data = put(&r, IFLA_INFO_DATA, NULL, 0);
	put(&r, NETKIT_PEER_POLICY, &policy, sizeof(policy));
	other = put(&r, NETKIT_PEER_INFO, &none, sizeof(none));
	put(&r, IFLA_IFNAME, peer, strlen(peer) + 1);
	end(&r, other);
	end(&r, data);
	end(&r, info);
	if (send(fd, &r, r.header.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		fail("netlink");
	errno = -answer.error.error;
	if (errno)
		fail("netkit add");
}

static void redirect(const char *device, const char *target)
{
	struct bpf_insn code[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = if_nametoindex(target)},
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2},
	    {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr load = {
	    .prog_type = BPF_PROG_TYPE_SCHED_CLS,
	    .insn_cnt = sizeof(code) / sizeof(*code),
	    .insns = (uintptr_t)code,
	    .license = (uintptr_t) "GPL",
	};
	union bpf_attr link = {};
	int program = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));

	if (program < 0)
		fail("bpf(BPF_PROG_LOAD)");
	link.link_create.prog_fd = program;
	link.link_create.target_ifindex = if_nametoindex(device);
	link.link_create.attach_type = ATTACH_NETKIT_PEER;
	if (syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link)) < 0)
		fail("bpf(BPF_LINK_CREATE)");
	for (;;)
		pause();
}

int main(int count, char **argument)
{
	const char *command = count > 1 ? argument[1] : "";

	if (!strcmp(command, "add") && count == 5)
		add(argument[2], argument[3],
		    strcmp(argument[4], "blackhole") ? NETKIT_FORWARD : NETKIT_BLACKHOLE);
	else if (!strcmp(command, "redirect") && count == 4)
		redirect(argument[2], argument[3]);
	else
		return 2;
	return 0;
}
