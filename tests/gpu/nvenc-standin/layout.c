// NVENC's buffers are one allocation: planes follow each other without gaps, at the pitch of the first plane, but for
// the separate chroma planes of 4:2:0, which have half of it.
#include "layout.h"

// How a format stores a picture.
struct format {
    unsigned sample_bytes; // of one element of the first plane
    unsigned chroma;       // planes after the first: 0, 1 (U and V interleaved) or 2
    bool subsampled;       // chroma has half the width and half the rows
    bool v_first;
};

static bool format_of(NV_ENC_BUFFER_FORMAT format, struct format *found)
{
    switch (format) {
    case NV_ENC_BUFFER_FORMAT_NV12:         *found = (struct format){ 1, 1, true, false };  return true;
    case NV_ENC_BUFFER_FORMAT_YV12:         *found = (struct format){ 1, 2, true, true };   return true;
    case NV_ENC_BUFFER_FORMAT_IYUV:         *found = (struct format){ 1, 2, true, false };  return true;
    case NV_ENC_BUFFER_FORMAT_YUV444:       *found = (struct format){ 1, 2, false, false }; return true;
    case NV_ENC_BUFFER_FORMAT_YUV420_10BIT: *found = (struct format){ 2, 1, true, false };  return true;
    case NV_ENC_BUFFER_FORMAT_YUV444_10BIT: *found = (struct format){ 2, 2, false, false }; return true;
    case NV_ENC_BUFFER_FORMAT_ARGB:
    case NV_ENC_BUFFER_FORMAT_ABGR:
    case NV_ENC_BUFFER_FORMAT_ARGB10:
    case NV_ENC_BUFFER_FORMAT_ABGR10:       *found = (struct format){ 4, 0, false, false }; return true;
    default:                                return false;
    }
}

static size_t half_up(size_t n) { return (n + 1) / 2; }

bool layout_of(NV_ENC_BUFFER_FORMAT format, uint32_t pitch, uint32_t stored_height, uint32_t width, uint32_t height,
               struct layout *layout)
{
    struct format f;
    if (!format_of(format, &f))
        return false;
    *layout = (struct layout){ .count = 1 + f.chroma };
    layout->planes[0] =
        (struct plane){ .pitch = pitch, .row_bytes = (size_t)width * f.sample_bytes, .rows = height };
    const size_t chroma_pitch = f.subsampled && f.chroma == 2 ? pitch / 2 : pitch;
    const size_t stored_rows = f.subsampled ? half_up(stored_height) : stored_height;
    const size_t elements = f.subsampled ? half_up(width) : width;
    for (unsigned i = 0; i < f.chroma; i++) {
        const unsigned place = f.v_first ? 1 - i : i;
        layout->planes[1 + i] = (struct plane){
            .offset = (size_t)pitch * stored_height + place * chroma_pitch * stored_rows,
            .pitch = chroma_pitch,
            .row_bytes = elements * f.sample_bytes * (f.chroma == 1 ? 2 : 1),
            .rows = f.subsampled ? half_up(height) : height,
        };
    }
    for (unsigned i = 0; i < layout->count; i++)
        layout->bytes += layout->planes[i].row_bytes * layout->planes[i].rows;
    return true;
}

size_t layout_row_bytes(NV_ENC_BUFFER_FORMAT format, uint32_t width)
{
    struct format f;
    if (!format_of(format, &f))
        return 0;
    // An odd width has one more chroma sample, which a row of interleaved chroma needs room for.
    return (f.subsampled ? 2 * half_up(width) : width) * f.sample_bytes;
}

size_t layout_buffer_bytes(NV_ENC_BUFFER_FORMAT format, uint32_t pitch, uint32_t stored_height)
{
    struct layout whole;
    size_t end = 0;
    if (!layout_of(format, pitch, stored_height, 1, stored_height, &whole))
        return 0;
    for (unsigned i = 0; i < whole.count; i++) {
        const size_t plane_end = whole.planes[i].offset + whole.planes[i].pitch * whole.planes[i].rows;
        end = plane_end > end ? plane_end : end;
    }
    return end;
}
