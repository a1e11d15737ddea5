# binding.gyp - the addon `weir`: one target, exceptions off, warnings are errors, libbpf's shared library (1.1 or later).
{
  'targets': [
    {
      'target_name': 'weir',
      'sources': [
        'addon.cc', 'attach.cc', 'errors.cc', 'flush.cc', 'kernel.cc', 'knobs.cc', 'links.cc', 'log.cc',
        'netns.cc', 'object.cc', 'programs.cc', 'readable.cc', 'ring.cc', 'tables.cc', 'tc.cc',
      ],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS'],
      # -isystem: warnings are ours to fix, not node-addon-api's.
      'cflags': ['-Wall', '-Wextra', '-Werror', '-isystem', '<!(node -p "require(\'path\').dirname(require.resolve(\'node-addon-api\'))")'],
      'cflags_cc!': ['-std=gnu++17'],
      'cflags_cc': ['-std=gnu++20'],
      # Shared, because Debian's libbpf.a is not position independent.
      'libraries': ['<!@(pkg-config --libs libbpf)'],
    },
  ],
}
