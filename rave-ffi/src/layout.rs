//! Sizes and offsets of the structures, fixed at compile time. `tests/abi/layout.rs` reads them from here and asserts
//! them in C, together with the absence of padding.

use std::mem::{align_of, offset_of, size_of};

use crate::structs::{
    RaveContextConfig, RaveFrame, RaveLedgerCounts, RaveModelConfig, RaveModelInfo, RaveSessionConfig,
    RaveStats,
};

macro_rules! layout {
    ($name:ident $size:literal { $($field:ident $offset:literal),* $(,)? }) => {
        const _: () = {
            // RV-FFI-1202
            assert!(size_of::<$name>() == $size);
            assert!(align_of::<$name>() <= 8);
            $(assert!(offset_of!($name, $field) == $offset);)*
        };
    };
}

layout!(RaveContextConfig 72 {
    struct_size 0, device 4, cuda_context 8, cuda_stream 16, log 24, log_opaque 32, log_level 40, ledger_every 44,
    cuda_release 48, cuda_owner 56, ledger 64,
});
layout!(RaveModelConfig 88 {
    struct_size 0, backend 4, values 8, threads 12, runtime_lib 16, lean_runtime 24, allow_host_code 32, precision 36,
    cache 40, builder 48, cancel 56, cancel_opaque 64, build 72, mode 76, width 80, height 84,
});
layout!(RaveSessionConfig 52 {
    struct_size 0, format 4, output_format 8, width 12, height 16, tile_width 20, tile_height 24, overlap 28,
    dither 32, mode 36, streams 40, batch 44, graph 48,
});
layout!(RaveFrame 112 {
    struct_size 0, format 4, memory 8, width 12, height 16, crop_left 20, crop_right 24, crop_top 28,
    crop_bottom 32, matrix 36, range 40, siting 44, data 48, linesize 80,
});
layout!(RaveModelInfo 32 {
    struct_size 0, channels 4, scale_numerator 8, scale_denominator 12, fixed_width 16, fixed_height 20,
    input_bits 24, output_bits 28,
});
layout!(RaveStats 112 {
    struct_size 0, tiles 4, frames 8, failed_frames 16, unpack_ns 24, inference_ns 32, pack_ns 40, submit_ns 48,
    graph_frames 56, non_finite 64, pool_bytes 72, pool_hits 80, pool_misses 88, streams 96, reserved 100,
    lost_frames 104,
});
layout!(RaveLedgerCounts 96 {
    struct_size 0, reserved 4, lines 8, frames 16, repeats 24, fallbacks 32, cache_entries_put_aside 40, without_cache 48,
    allocations_retried 56, frames_lost 64, not_finite 72, failures 80, devices_lost 88,
});
