// Parameter sets that describe the stream which the packets are not.
#ifndef NVENC_STANDIN_PARAMETERS_H
#define NVENC_STANDIN_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream {
    bool hevc;
    uint32_t width, height;
    unsigned chroma_format_idc; // 1: 4:2:0, 3: 4:4:4
    unsigned bit_depth;
};

// More than write_parameters ever writes.
enum { PARAMETERS_MAX = 256 };

// Writes an AVCDecoderConfigurationRecord or HEVCDecoderConfigurationRecord (ISO/IEC 14496-15) and returns its length.
// NVENC itself gives Annex B; with that, muxers would look for start codes in the packets, which hold none, and store
// nothing. With these records they store packets as they are.
size_t write_parameters(const struct stream *stream, uint8_t target[PARAMETERS_MAX]);

#endif
