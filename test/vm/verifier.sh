# verifier.sh - in a guest: what each program costs this kernel's verifier.
node /weir/test/vm/verifier.mjs
