// Where the planes of a frame lie in a buffer that NVENC reads.
#ifndef NVENC_STANDIN_LAYOUT_H
#define NVENC_STANDIN_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ffnvcodec/nvEncodeAPI.h>

struct plane {
    size_t offset;    // of its first row in the buffer, bytes
    size_t pitch;     // from row to row, bytes
    size_t row_bytes; // of a row's visible part
    size_t rows;
};

struct layout {
    unsigned count; // planes, in the order of a raw frame: Y U V, also where the buffer has V before U
    struct plane planes[3];
    size_t bytes; // of the visible parts together
};

// The layout of a `width` x `height` picture (pixels) at the top left of a buffer of `stored_height` rows.
// False for a format that the stand-in does not take.
bool layout_of(NV_ENC_BUFFER_FORMAT format, uint32_t pitch, uint32_t stored_height, uint32_t width, uint32_t height,
               struct layout *layout);

// The bytes of a row of the first plane; 0 for a format that the stand-in does not take.
size_t layout_row_bytes(NV_ENC_BUFFER_FORMAT format, uint32_t width);

// The bytes that a buffer of that pitch and height takes.
size_t layout_buffer_bytes(NV_ENC_BUFFER_FORMAT format, uint32_t pitch, uint32_t stored_height);

#endif
