#include "parameters.h"

#include <string.h>

// Bits of one NAL unit, before emulation prevention.
struct bits {
    uint8_t bytes[PARAMETERS_MAX];
    size_t count;
};

static void put(struct bits *bits, unsigned n, uint64_t value)
{
    for (unsigned i = n; i-- > 0; bits->count++) {
        if (bits->count % 8 == 0)
            bits->bytes[bits->count / 8] = 0;
        bits->bytes[bits->count / 8] |= (uint8_t)((value >> i & 1) << (7 - bits->count % 8));
    }
}

// ue(v): exponential Golomb.
static void put_ue(struct bits *bits, uint32_t value)
{
    unsigned length = 0;
    while (((uint64_t)value + 1) >> (length + 1))
        length++;
    put(bits, length, 0);
    put(bits, length + 1, (uint64_t)value + 1);
}

// That many ue(v) or se(v) of value 0.
static void put_zeros(struct bits *bits, unsigned count)
{
    while (count-- > 0)
        put_ue(bits, 0);
}

static uint8_t *put16(uint8_t *at, size_t value)
{
    *at++ = (uint8_t)(value >> 8);
    *at++ = (uint8_t)value;
    return at;
}

// Ends the NAL unit and writes it behind its length of 16 bits, with emulation prevention bytes (H.264 7.4.1, H.265
// 7.4.2).
static uint8_t *write_nal(uint8_t *at, struct bits *bits)
{
    put(bits, 1, 1);
    put(bits, (8 - bits->count % 8) % 8, 0);
    uint8_t *const length = at;
    unsigned zeros = 0;
    at += 2;
    for (size_t i = 0; i < bits->count / 8; i++) {
        if (zeros >= 2 && bits->bytes[i] <= 3) {
            *at++ = 3;
            zeros = 0;
        }
        zeros = bits->bytes[i] == 0 ? zeros + 1 : 0;
        *at++ = bits->bytes[i];
    }
    put16(length, (size_t)(at - length - 2));
    return at;
}

// What is cut off at the right or bottom of a coded size, in the units of both standards' cropping offsets.
static uint32_t cropped(uint32_t size, uint32_t block, unsigned chroma_format_idc)
{
    return ((size + block - 1) / block * block - size) / (chroma_format_idc == 1 ? 2 : 1);
}

static void put_cropping(struct bits *bits, const struct stream *stream, uint32_t block)
{
    const uint32_t right = cropped(stream->width, block, stream->chroma_format_idc);
    const uint32_t bottom = cropped(stream->height, block, stream->chroma_format_idc);
    put(bits, 1, right || bottom);
    if (right || bottom) {
        put_ue(bits, 0);
        put_ue(bits, right);
        put_ue(bits, 0);
        put_ue(bits, bottom);
    }
}

static size_t write_avc(const struct stream *stream, uint8_t *target)
{
    enum { LEVEL = 62 };
    const uint8_t profile = stream->chroma_format_idc == 3 ? 244 : 100; // High 4:4:4 Predictive, High
    struct bits sps = { 0 }, pps = { 0 };
    put(&sps, 8, 0x67);
    put(&sps, 8, profile);
    put(&sps, 8, 0); // constraints
    put(&sps, 8, LEVEL);
    put_ue(&sps, 0); // seq_parameter_set_id
    put_ue(&sps, stream->chroma_format_idc);
    if (stream->chroma_format_idc == 3)
        put(&sps, 1, 0); // separate_colour_plane_flag
    put_ue(&sps, stream->bit_depth - 8);
    put_ue(&sps, stream->bit_depth - 8);
    put(&sps, 2, 0); // qpprime_y_zero_transform_bypass_flag, seq_scaling_matrix_present_flag
    put_ue(&sps, 0); // log2_max_frame_num_minus4
    put_ue(&sps, 2); // pic_order_cnt_type: output order is decoding order
    put_ue(&sps, 1); // max_num_ref_frames
    put(&sps, 1, 0); // gaps_in_frame_num_value_allowed_flag
    put_ue(&sps, (stream->width + 15) / 16 - 1);
    put_ue(&sps, (stream->height + 15) / 16 - 1);
    put(&sps, 2, 3); // frame_mbs_only_flag, direct_8x8_inference_flag
    put_cropping(&sps, stream, 16);
    put(&sps, 1, 0); // vui_parameters_present_flag

    put(&pps, 8, 0x68);
    put_zeros(&pps, 2); // pic_parameter_set_id, seq_parameter_set_id
    put(&pps, 2, 0);    // entropy_coding_mode_flag, bottom_field_pic_order_in_frame_present_flag
    put_zeros(&pps, 3); // num_slice_groups_minus1, num_ref_idx_l0 and l1_default_active_minus1
    put(&pps, 3, 0);    // weighted_pred_flag, weighted_bipred_idc
    put_zeros(&pps, 3); // pic_init_qp_minus26, pic_init_qs_minus26, chroma_qp_index_offset
    put(&pps, 3, 0);    // deblocking_filter_control_present, constrained_intra_pred, redundant_pic_cnt_present

    uint8_t *at = target;
    *at++ = 1; // configurationVersion
    *at++ = profile;
    *at++ = 0;
    *at++ = LEVEL;
    *at++ = 0xff; // lengths of four bytes
    *at++ = 0xe1; // one sequence parameter set
    at = write_nal(at, &sps);
    *at++ = 1;
    at = write_nal(at, &pps);
    *at++ = (uint8_t)(0xfc | stream->chroma_format_idc);
    *at++ = (uint8_t)(0xf8 | (stream->bit_depth - 8));
    *at++ = (uint8_t)(0xf8 | (stream->bit_depth - 8));
    *at++ = 0; // sequence parameter set extensions
    return (size_t)(at - target);
}

enum { HEVC_LEVEL = 186, HEVC_CONSTRAINTS_BITS = 48 };
static const uint64_t HEVC_CONSTRAINTS = 0x900000000000; // progressive_source_flag, frame_only_constraint_flag

static unsigned hevc_profile(const struct stream *stream)
{
    return stream->chroma_format_idc == 3 ? 4 : stream->bit_depth > 8 ? 2 : 1; // Rext, Main 10, Main
}

// general_profile_compatibility_flag[j] is bit 31 - j; a Main stream is also a Main 10 one (A.3.2).
static uint32_t hevc_compatibility(unsigned profile)
{
    return profile == 1 ? 0x60000000 : UINT32_C(0x80000000) >> profile;
}

static void put_profile_tier_level(struct bits *bits, const struct stream *stream)
{
    put(bits, 8, hevc_profile(stream)); // profile space 0, Main tier
    put(bits, 32, hevc_compatibility(hevc_profile(stream)));
    put(bits, HEVC_CONSTRAINTS_BITS, HEVC_CONSTRAINTS);
    put(bits, 8, HEVC_LEVEL);
}

// max_dec_pic_buffering_minus1, max_num_reorder_pics, max_latency_increase_plus1 of the one sub-layer.
static void put_ordering(struct bits *bits)
{
    put(bits, 1, 1);
    put_ue(bits, 1);
    put_zeros(bits, 2);
}

static void put_hevc_vps(struct bits *vps, const struct stream *stream)
{
    put(vps, 16, 32 << 9 | 1); // nal_unit_type VPS_NUT, nuh_temporal_id_plus1
    put(vps, 4, 0);            // vps_video_parameter_set_id
    put(vps, 2, 3);            // base layer: internal, available
    put(vps, 9, 0);            // vps_max_layers_minus1, vps_max_sub_layers_minus1
    put(vps, 17, 0x1ffff);     // vps_temporal_id_nesting_flag, reserved
    put_profile_tier_level(vps, stream);
    put_ordering(vps);
    put(vps, 6, 0);     // vps_max_layer_id
    put_zeros(vps, 1);  // vps_num_layer_sets_minus1
    put(vps, 2, 0);     // vps_timing_info_present_flag, vps_extension_flag
}

static void put_hevc_sps(struct bits *sps, const struct stream *stream)
{
    put(sps, 16, 33 << 9 | 1);
    put(sps, 8, 1); // sps_video_parameter_set_id, sps_max_sub_layers_minus1, sps_temporal_id_nesting_flag
    put_profile_tier_level(sps, stream);
    put_ue(sps, 0); // sps_seq_parameter_set_id
    put_ue(sps, stream->chroma_format_idc);
    if (stream->chroma_format_idc == 3)
        put(sps, 1, 0); // separate_colour_plane_flag
    put_ue(sps, (stream->width + 7) / 8 * 8);
    put_ue(sps, (stream->height + 7) / 8 * 8);
    put_cropping(sps, stream, 8);
    put_ue(sps, stream->bit_depth - 8);
    put_ue(sps, stream->bit_depth - 8);
    put_ue(sps, 0); // log2_max_pic_order_cnt_lsb_minus4
    put_ordering(sps);
    put_ue(sps, 0);    // log2_min_luma_coding_block_size_minus3
    put_ue(sps, 3);    // coding blocks up to 64
    put_ue(sps, 0);    // log2_min_luma_transform_block_size_minus2
    put_ue(sps, 3);    // transforms up to 32
    put_zeros(sps, 2); // max_transform_hierarchy_depth_inter, _intra
    put(sps, 4, 0);    // scaling_list, amp, sample_adaptive_offset, pcm
    put_ue(sps, 0);    // num_short_term_ref_pic_sets
    put(sps, 5, 0);    // long_term_ref_pics, temporal_mvp, strong_intra_smoothing, vui, extension
}

static void put_hevc_pps(struct bits *pps)
{
    put(pps, 16, 34 << 9 | 1);
    put_zeros(pps, 2); // pps_pic_parameter_set_id, pps_seq_parameter_set_id
    put(pps, 7, 0);    // dependent slices, output flag, 3 extra bits, sign hiding, cabac_init
    put_zeros(pps, 3); // num_ref_idx_l0 and l1_default_active_minus1, init_qp_minus26
    put(pps, 3, 0);    // constrained_intra_pred, transform_skip, cu_qp_delta
    put_zeros(pps, 2); // pps_cb_qp_offset, pps_cr_qp_offset
    // slice chroma offsets, weighted prediction (2), transquant bypass, tiles, entropy sync, loop filter across slices,
    // deblocking control, scaling lists, lists modification
    put(pps, 10, 0);
    put_ue(pps, 0); // log2_parallel_merge_level_minus2
    put(pps, 2, 0); // slice header extension, extension
}

static size_t write_hevc(const struct stream *stream, uint8_t *target)
{
    struct bits sets[3] = { 0 };
    put_hevc_vps(&sets[0], stream);
    put_hevc_sps(&sets[1], stream);
    put_hevc_pps(&sets[2]);

    struct bits head = { 0 };
    put(&head, 8, 1); // configurationVersion
    put_profile_tier_level(&head, stream);
    put(&head, 16, 0xf000); // min_spatial_segmentation_idc
    put(&head, 8, 0xfc);    // parallelismType
    put(&head, 8, 0xfc | stream->chroma_format_idc);
    put(&head, 8, 0xf8 | (stream->bit_depth - 8));
    put(&head, 8, 0xf8 | (stream->bit_depth - 8));
    put(&head, 16, 0); // avgFrameRate
    put(&head, 8, 0x0f); // one temporal layer, nested, lengths of four bytes
    put(&head, 8, 3);    // arrays
    memcpy(target, head.bytes, head.count / 8);
    uint8_t *at = target + head.count / 8;
    for (unsigned i = 0; i < 3; i++) {
        *at++ = (uint8_t)(0x80 | (32 + i)); // array_completeness, NAL_unit_type
        at = put16(at, 1);
        at = write_nal(at, &sets[i]);
    }
    return (size_t)(at - target);
}

size_t write_parameters(const struct stream *stream, uint8_t target[PARAMETERS_MAX])
{
    return stream->hevc ? write_hevc(stream, target) : write_avc(stream, target);
}
