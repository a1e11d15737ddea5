// SPDX-License-Identifier: Apache-2.0
/*
 * placeholder.cc - two programs that pass every packet on, for links that are to get another program.
 */
#include "placeholder.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <iterator>

Placeholders::Placeholders()
{
	bpf_insn pass[2]{};

	pass[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
	pass[0].dst_reg = BPF_REG_0;
	pass[0].imm = TC_ACT_UNSPEC;
	pass[1].code = BPF_JMP | BPF_EXIT;

	for (Fd &program : programs_) {
		auto options = Options<bpf_prog_load_opts>();
		program.Reset(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "weir_place", "Dual BSD/GPL",
					    pass, std::size(pass), &options));
	}
}
