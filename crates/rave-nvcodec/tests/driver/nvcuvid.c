/* A stand-in for libnvcuvid.so.1, for tests without a GPU: answers about the modes that script.h lists, and aborts on a
 * question that breaks the interface's rules. Not NVIDIA's library, and of its interface only the one function. */

#include <stdlib.h>

struct caps {
    unsigned codec, chroma, depth_minus_8, reserved1[3];
    unsigned char supported, engines;
    unsigned short surfaces;
    unsigned max_width, max_height, max_macroblocks;
    unsigned short min_width, min_height;
    unsigned char histogram, histogram_depth;
    unsigned short histogram_bins;
    unsigned reserved3[10];
};

struct mode {
    unsigned codec, chroma, depth, min_width, min_height, max_width, max_height, macroblocks, engines, surfaces;
};

/* MODES: what is decoded. FAILURE: the CUDA error of every call, or 0. OLDER_THAN: codecs from this number on are
 * unknown to this driver. */
#include "script.h"

static const struct mode modes[] = {MODES};

int cuvidGetDecoderCaps(struct caps *caps);

int cuvidGetDecoderCaps(struct caps *caps)
{
    for (int i = 0; i < 3; i++)
        if (caps->reserved1[i])
            abort();
    for (int i = 0; i < 10; i++)
        if (caps->reserved3[i])
            abort();
    if (FAILURE)
        return FAILURE;
    if (caps->codec >= OLDER_THAN)
        return 1; /* CUDA_ERROR_INVALID_VALUE */
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        const struct mode *mode = &modes[i];
        if (mode->codec != caps->codec || mode->chroma != caps->chroma || mode->depth != caps->depth_minus_8 + 8)
            continue;
        caps->supported = 1;
        caps->engines = (unsigned char)mode->engines;
        caps->surfaces = (unsigned short)mode->surfaces;
        caps->max_width = mode->max_width;
        caps->max_height = mode->max_height;
        caps->max_macroblocks = mode->macroblocks;
        caps->min_width = (unsigned short)mode->min_width;
        caps->min_height = (unsigned short)mode->min_height;
    }
    return 0;
}
