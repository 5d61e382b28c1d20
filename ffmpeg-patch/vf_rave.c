/*
 * Copyright (c) 2026 The RAVE authors
 *
 * This file is part of FFmpeg.
 *
 * FFmpeg is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 *
 * FFmpeg is distributed in the hope that it will be useful,
 * but WITHOUT ANY WARRANTY; without even the implied warranty of
 * MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the GNU
 * Lesser General Public License for more details.
 *
 * You should have received a copy of the GNU Lesser General Public
 * License along with FFmpeg; if not, write to the Free Software
 * Foundation, Inc., 51 Franklin Street, Fifth Floor, Boston, MA 02110-1301 USA
 */

/**
 * @file
 * Run an AI model (super resolution, denoising, ...) on video frames by librave.
 *
 * What is done to the pixels, and which models, formats and sizes are taken,
 * is decided in the library. This file translates: options, frames, colour
 * properties, messages and error codes.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rave.h>

#include "config.h"

#include "libavutil/bprint.h"
#include "libavutil/buffer.h"
#include "libavutil/fifo.h"
#include "libavutil/frame.h"
#include "libavutil/hwcontext.h"
#if CONFIG_CUDA
#include "libavutil/hwcontext_cuda_internal.h"
#endif
#include "libavutil/imgutils.h"
#include "libavutil/mathematics.h"
#include "libavutil/opt.h"
#include "libavutil/parseutils.h"
#include "libavutil/pixdesc.h"
#include "libavutil/thread.h"

#include "avfilter.h"
#include "filters.h"
#include "formats.h"
#include "video.h"
#include "version.h"

/* Up to libavfilter 10 a filter is defined by its public structure. */
#if LIBAVFILTER_VERSION_MAJOR < 11
#define FFFilter AVFilter
#define PUBLIC(field) .field
#else
#define PUBLIC(field) .p.field
#endif

/** A frame that the library has and the next filter has not. */
typedef struct FrameInFlight {
    AVFrame *in;                    ///< NULL when the library does not need it
    AVFrame *out;
    int is_repeat;                  ///< whether out is that of the frame before
} FrameInFlight;

typedef struct RaveFilterContext {
    const AVClass *class;

    /* options */
    char *model_path;
    char *runtime_lib;
    char *lean_runtime;
    char *tile;
    char *cache;
    char *builder;
    char *ledger;
    int ledger_every;
    int precision;
    int build;
    int backend;
    int mode;
    int values;
    int threads;
    int overlap;
    int dither;
    int streams;
    int batch;
    int graph;
    int dedup;
    int allow_host_code;
    int require_cuda;
    enum AVPixelFormat format;

    int tile_width, tile_height;    ///< parsed from tile; 0 leaves them to the model

    RaveContext *context;
    RaveModel   *model;
    RaveSession *session;

    /* what session was made for */
    enum AVPixelFormat in_format;   ///< of the pixels, wherever they are
    int in_width, in_height;        ///< of the visible part of the input

    enum AVPixelFormat out_format;  ///< of the pixels, wherever they are
    int out_width, out_height;      ///< those of outlink, but for cropped CUDA frames
    int emitted;                    ///< whether the next filter has got a frame
    AVBufferRef *device;            ///< of CUDA frames; NULL for frames in host memory
    AVFifo *in_flight;              ///< FrameInFlight, oldest first
    size_t capacity;                ///< of the session
    int error;                      ///< what failed; the library's frames and ours may be at odds then

    /* with dedup: the last frame that went through the model */
    AVFrame *last_in, *last_out;
    RaveFrame last_desc;            ///< how last_in was described
    uint64_t nb_repeats;

    int warned_interlaced;
    int warned_color;
} RaveFilterContext;

/* RV-FILT-1101, RV-FILT-1308 */
static int averror_from_status(int32_t status)
{
    switch (status) {
    case RAVE_OK:
        return 0;
    case RAVE_ERROR_INVALID_PARAMETER:
    case RAVE_ERROR_ABI_MISMATCH:
    case RAVE_ERROR_UNSUPPORTED_FORMAT:
    case RAVE_ERROR_INVALID_HANDLE:
        return AVERROR(EINVAL);
    case RAVE_ERROR_FILE_NOT_FOUND:
        return AVERROR(ENOENT);
    case RAVE_ERROR_PERMISSION_DENIED:
    case RAVE_ERROR_UNTRUSTED:
        return AVERROR(EACCES);
    case RAVE_ERROR_IO:
        return AVERROR(EIO);
    case RAVE_ERROR_MODEL_LOAD_FAILED:
        return AVERROR_INVALIDDATA;
    case RAVE_ERROR_RUNTIME_LIBRARY_MISSING:
    case RAVE_ERROR_ENGINE_MISMATCH:
        return AVERROR(ENOSYS);
    case RAVE_ERROR_DEVICE_NOT_FOUND:
    case RAVE_ERROR_INVALID_DEVICE:
        return AVERROR(ENODEV);
    case RAVE_ERROR_OUT_OF_MEMORY:
        return AVERROR(ENOMEM);
    case RAVE_ERROR_INFERENCE_FAILED:
    case RAVE_ERROR_KERNEL_LAUNCH_FAILED:
    case RAVE_ERROR_VRAM_RESIDENCY_FAILED:
    case RAVE_ERROR_DEVICE_LOST:
    case RAVE_ERROR_FRAME_LOST:
        return AVERROR_EXTERNAL;
    case RAVE_ERROR_BUSY:
        return AVERROR(EBUSY);
    case RAVE_ERROR_CANCELLED:
        return AVERROR_EXIT;
    case RAVE_ERROR_UNKNOWN:
        return AVERROR_UNKNOWN;
    default: /* also RAVE_ERROR_PANIC */
        return AVERROR_BUG;
    }
}

static int32_t rave_format(enum AVPixelFormat format)
{
    return rave_pixel_format_from_name(av_get_pix_fmt_name(format));
}

/** Log why the last call into the library on this thread failed. */
/* RV-FILT-1102 */
static int library_error(AVFilterContext *ctx, int32_t status)
{
    const RaveFilterContext *s = ctx->priv;
    const char *detail = rave_last_error(s->context);

    av_log(ctx, AV_LOG_ERROR, "%s\n", *detail ? detail : rave_error_message(status));
    return averror_from_status(status);
}

static const struct {
    int32_t rave;
    int av;
} log_levels[] = {
    { RAVE_LOG_DEBUG,   AV_LOG_DEBUG   },
    { RAVE_LOG_VERBOSE, AV_LOG_VERBOSE },
    { RAVE_LOG_INFO,    AV_LOG_INFO    },
    { RAVE_LOG_WARNING, AV_LOG_WARNING },
    { RAVE_LOG_ERROR,   AV_LOG_ERROR   },
};

static void log_message(void *opaque, int32_t level, const char *message)
{
    size_t i = 0;

    while (i < FF_ARRAY_ELEMS(log_levels) - 1 && log_levels[i].rave != level)
        i++;
    av_log(opaque, log_levels[i].av, "%s\n", message);
}

static int32_t wanted_log_level(void)
{
    size_t i = 0;

    while (i < FF_ARRAY_ELEMS(log_levels) - 1 && log_levels[i].av > av_log_get_level())
        i++;
    return log_levels[i].rave;
}

static int check_version(AVFilterContext *ctx)
{
    uint32_t version = rave_version();

    /* Before 1.0 every minor version may change the interface. */
    if (version / 10000 == RAVE_VERSION_MAJOR &&
        (RAVE_VERSION_MAJOR || version / 100 % 100 == RAVE_VERSION_MINOR))
        return 0;

    av_log(ctx, AV_LOG_ERROR,
           "librave has version %"PRIu32".%"PRIu32".%"PRIu32", but this filter was compiled "
           "for %d.%d.%d; install that version or compile FFmpeg again\n",
           version / 10000, version / 100 % 100, version % 100,
           RAVE_VERSION_MAJOR, RAVE_VERSION_MINOR, RAVE_VERSION_PATCH);
    return AVERROR(EINVAL);
}

static int parse_tile(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;
    char *end;
    long side;

    s->tile_width = s->tile_height = 0;
    if (!s->tile || !strcmp(s->tile, "auto"))
        return 0;

    side = strtol(s->tile, &end, 10);
    if (end != s->tile && !*end && side >= 0 && side <= INT_MAX) {
        s->tile_width = s->tile_height = side;
        return 0;
    }
    if (av_parse_video_size(&s->tile_width, &s->tile_height, s->tile) >= 0)
        return 0;

    av_log(ctx, AV_LOG_ERROR, "tile is '%s'; it must be auto, a size such as 512x256, "
           "or one number for both sides\n", s->tile);
    return AVERROR(EINVAL);
}

/* RV-FILT-1106 */
static int check_format(AVFilterContext *ctx)
{
    const RaveFilterContext *s = ctx->priv;
    AVBPrint supported;
    int32_t format;

    if (s->format == AV_PIX_FMT_NONE || rave_format(s->format))
        return 0;

    av_bprint_init(&supported, 0, AV_BPRINT_SIZE_AUTOMATIC);
    for (uint32_t i = 0; rave_pixel_format_at(i, &format) == RAVE_OK; i++)
        av_bprintf(&supported, " %s", rave_pixel_format_name(format));
    av_log(ctx, AV_LOG_ERROR, "The output format %s is not supported; these are:%s\n",
           av_get_pix_fmt_name(s->format), supported.str);
    av_bprint_finalize(&supported, NULL);
    return AVERROR(EINVAL);
}

/* The model is not touched here: programs may initialise a filter only to learn its pads. */
static av_cold int init(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;
    int ret;

    if ((ret = check_version(ctx)) < 0)
        return ret;
    if (!s->model_path || !*s->model_path) {
        av_log(ctx, AV_LOG_ERROR, "No model given: set the option model to the path of a model file, "
               "for example rave=model.onnx\n");
        return AVERROR(EINVAL);
    }
    if ((ret = parse_tile(ctx)) < 0)
        return ret;
    return check_format(ctx);
}

/** Whether a format has a matrix and a range to choose: neither RGB nor gray. */
static int is_yuv(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);

    return !(desc->flags & AV_PIX_FMT_FLAG_RGB) && desc->nb_components >= 3;
}

static int query_formats(const AVFilterContext *ctx,
                         AVFilterFormatsConfig **cfg_in,
                         AVFilterFormatsConfig **cfg_out)
{
    const RaveFilterContext *s = ctx->priv;
    const AVPixFmtDescriptor *desc = NULL;
    AVFilterFormats *supported = NULL, *chosen = NULL;
    int ret;

#if CONFIG_CUDA
    if ((ret = ff_add_format(&supported, AV_PIX_FMT_CUDA)) < 0)
        return ret;
#endif
    while (!s->require_cuda && (desc = av_pix_fmt_desc_next(desc))) {
        if (!rave_pixel_format_from_name(desc->name))
            continue;
        if ((ret = ff_add_format(&supported, av_pix_fmt_desc_get_id(desc))) < 0)
            return ret;
    }

    if (s->format == AV_PIX_FMT_NONE || s->require_cuda)
        return ff_set_common_formats2(ctx, cfg_in, cfg_out, supported);

    /* CUDA frames stay CUDA frames, of which the format is that of their
     * pixels: of two formats the graph picks the one like the input's. */
    if ((ret = ff_formats_ref(supported, &cfg_in[0]->formats)) < 0 ||
#if CONFIG_CUDA
        (ret = ff_add_format(&chosen, AV_PIX_FMT_CUDA)) < 0 ||
#endif
        (ret = ff_add_format(&chosen, s->format)) < 0 ||
        (ret = ff_formats_ref(chosen, &cfg_out[0]->formats)) < 0)
        return ret;

    /* By default a filter has the same matrix and range at both ends. Where
     * the output is not Y'CbCr it has neither, and to ask for those of the
     * input would have the graph insert needless conversions. */
    if (!is_yuv(s->format) &&
        ((ret = ff_formats_ref(ff_all_color_spaces(), &cfg_out[0]->color_spaces)) < 0 ||
         (ret = ff_formats_ref(ff_all_color_ranges(), &cfg_out[0]->color_ranges)) < 0))
        return ret;
    return 0;
}

/** Give up what the library has. It must have no session any more, or have been drained. */
static void drop_frames(RaveFilterContext *s)
{
    FrameInFlight frame;

    av_frame_free(&s->last_in);
    av_frame_free(&s->last_out);
    while (s->in_flight && av_fifo_read(s->in_flight, &frame, 1) >= 0) {
        av_frame_free(&frame.in);
        av_frame_free(&frame.out);
    }
}

static void log_stats(AVFilterContext *ctx)
{
    const RaveFilterContext *s = ctx->priv;
    RaveStats stats = RAVE_STATS_INIT;
    double frame_ms;

    if (!s->session || rave_session_stats(s->session, &stats) != RAVE_OK || !stats.frames)
        return;

    if (s->nb_repeats)
        av_log(ctx, AV_LOG_VERBOSE, "%"PRIu64" frames were repeats\n", s->nb_repeats);
    if (stats.lost_frames)
        av_log(ctx, AV_LOG_WARNING, "%"PRIu64" frame%s had no result and %s left out\n", stats.lost_frames,
               stats.lost_frames == 1 ? "" : "s", stats.lost_frames == 1 ? "was" : "were");
    frame_ms = 1e6 * stats.frames;
    if (s->device)
        av_log(ctx, AV_LOG_VERBOSE,
               "%"PRIu64" frames, %"PRIu32" tile%s each, %"PRIu32" at a time, %"PRIu64" as a graph, "
               "at most %.3f ms of CPU per frame; %"PRIu64" elements not finite; pool: %.1f MiB, "
               "%"PRIu64" hits, %"PRIu64" misses\n",
               stats.frames, stats.tiles, stats.tiles == 1 ? "" : "s", stats.streams,
               stats.graph_frames, stats.submit_ns / frame_ms, stats.non_finite,
               stats.pool_bytes / 1048576.0, stats.pool_hits, stats.pool_misses);
    else
        av_log(ctx, AV_LOG_VERBOSE,
               "%"PRIu64" frames, %"PRIu32" tile%s each, ms per frame: "
               "%.2f unpack, %.2f inference, %.2f pack\n",
               stats.frames, stats.tiles, stats.tiles == 1 ? "" : "s", stats.unpack_ns / frame_ms,
               stats.inference_ns / frame_ms, stats.pack_ns / frame_ms);
}

static void close_session(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;

    log_stats(ctx);
    /* Waits for the GPU, so that no frame is given up before it is done. */
    rave_session_destroy(&s->session);
    drop_frames(s);
    av_fifo_freep2(&s->in_flight);
}

static void close_all(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;

    close_session(ctx);
    rave_model_destroy(&s->model);
    rave_context_destroy(&s->context);
    av_buffer_unref(&s->device);
}

#if CONFIG_CUDA
/** Give back what kept a CUDA context alive for the library. */
static void release_device(void *opaque)
{
    AVBufferRef *device = opaque;

    av_buffer_unref(&device);
}

static const AVHWFramesContext *frames_context(const AVBufferRef *ref)
{
    return (const AVHWFramesContext *)ref->data;
}

static const AVCUDADeviceContext *cuda_context(const AVBufferRef *device)
{
    return ((const AVHWDeviceContext *)device->data)->hwctx;
}
#endif

#if CONFIG_CUDA
/**
 * Whether the CUDA context lives as long as FFmpeg's device: not if it is the
 * program's own, who may destroy it when this filter is gone.
 */
static int owns_cuda_context(const AVBufferRef *device)
{
    const AVCUDADeviceContextInternal *internal = cuda_context(device)->internal;

    return internal && internal->is_allocated && !(internal->flags & AV_CUDA_USE_CURRENT_CONTEXT);
}
#endif

/** Take the device of CUDA frames, if the input has such. */
/* RV-FILT-1301 */
static int open_device(AVFilterContext *ctx, RaveContextConfig *config)
{
    RaveFilterContext *s = ctx->priv;
    AVFilterLink *inlink = ctx->inputs[0];

    config->device = RAVE_DEVICE_CPU;
    if (inlink->format != AV_PIX_FMT_CUDA)
        return 0;

#if CONFIG_CUDA
    {
        const AVBufferRef *frames = ff_filter_link(inlink)->hw_frames_ctx;

        if (!frames) {
            av_log(ctx, AV_LOG_ERROR, "The input has CUDA frames without a frames context\n");
            return AVERROR(EINVAL);
        }
        s->device = av_buffer_ref(frames_context(frames)->device_ref);
        if (!s->device)
            return AVERROR(ENOMEM);
        config->device       = RAVE_DEVICE_CUDA;
        config->cuda_context = cuda_context(s->device)->cuda_ctx;
        config->cuda_stream  = cuda_context(s->device)->stream;
        if (owns_cuda_context(s->device)) {
            config->cuda_owner   = av_buffer_ref(s->device);
            config->cuda_release = release_device;
            if (!config->cuda_owner)
                return AVERROR(ENOMEM);
        }
        return 0;
    }
#else
    return AVERROR(ENOSYS);
#endif
}

#if CONFIG_CUDA && defined(SA_SIGINFO)
/*
 * Nothing tells a filter that the program is to end, and to build an engine can
 * take minutes. So while a model is loaded for a GPU, this hears the signals
 * that the program has a handler for, and passes them on to it. Signals that
 * end the program, or that it ignores, are left alone.
 */
static const int interrupts[] = { SIGINT, SIGTERM };
static struct sigaction interrupt_handlers[FF_ARRAY_ELEMS(interrupts)];
static AVMutex interrupt_lock = AV_MUTEX_INITIALIZER;
static int interrupt_listeners;
static atomic_int interrupted;

/* RV-FILT-1111 */
static void on_interrupt(int number, siginfo_t *info, void *context)
{
    const struct sigaction *handler = &interrupt_handlers[number != interrupts[0]];

    atomic_store(&interrupted, 1);
    if (handler->sa_flags & SA_SIGINFO)
        handler->sa_sigaction(number, info, context);
    else
        handler->sa_handler(number);
}

static void listen_to_interrupts(void)
{
    ff_mutex_lock(&interrupt_lock);
    if (!interrupt_listeners++) {
        atomic_store(&interrupted, 0);
        for (size_t i = 0; i < FF_ARRAY_ELEMS(interrupts); i++) {
            struct sigaction *handler = &interrupt_handlers[i], ours;

            if (sigaction(interrupts[i], NULL, handler) < 0 ||
                handler->sa_handler == SIG_DFL || handler->sa_handler == SIG_IGN)
                continue;
            ours              = *handler;
            ours.sa_flags     = (ours.sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
            ours.sa_sigaction = on_interrupt;
            sigaction(interrupts[i], &ours, NULL);
        }
    }
    ff_mutex_unlock(&interrupt_lock);
}

static void ignore_interrupts(void)
{
    struct sigaction now;

    ff_mutex_lock(&interrupt_lock);
    if (!--interrupt_listeners)
        for (size_t i = 0; i < FF_ARRAY_ELEMS(interrupts); i++)
            /* Unless the program has changed it meanwhile. */
            if (sigaction(interrupts[i], NULL, &now) == 0 &&
                (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_interrupt)
                sigaction(interrupts[i], &interrupt_handlers[i], NULL);
    ff_mutex_unlock(&interrupt_lock);
}

static int32_t is_interrupted(void *opaque)
{
    return atomic_load((atomic_int *)opaque);
}
#endif

/* RV-FILT-1109, RV-FILT-1110, RV-FILT-1112, RV-FILT-1113 */
static int open_model(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveModelConfig config = RAVE_MODEL_CONFIG_INIT;
    int32_t status;
    int ret;

    if ((ret = open_device(ctx, &device)) < 0)
        return ret;
    device.log        = log_message;
    device.log_opaque = ctx;
    device.log_level  = wanted_log_level();
    if (s->ledger) {
        device.ledger       = s->ledger;
        device.ledger_every = s->ledger_every;
    }
    s->context = rave_context_create(&device, &status);
    if (!s->context) {
        ret = library_error(ctx, status);
        if (device.cuda_release)
            device.cuda_release(device.cuda_owner);
        return ret;
    }

    config.backend         = s->backend;
    config.values          = s->values;
    config.threads         = s->threads;
    config.runtime_lib     = s->runtime_lib;
    config.lean_runtime    = s->lean_runtime;
    config.allow_host_code = s->allow_host_code;
    config.precision       = s->precision;
    config.build           = s->build;
    config.cache           = s->cache;
    config.builder         = s->builder;
    config.mode            = s->mode;
    config.width           = ctx->inputs[0]->w;
    config.height          = ctx->inputs[0]->h;
#if CONFIG_CUDA && defined(SA_SIGINFO)
    if (s->device) {
        config.cancel        = is_interrupted;
        config.cancel_opaque = &interrupted;
        listen_to_interrupts();
    }
#endif
    s->model = rave_model_load(s->context, s->model_path, &config, &status);
#if CONFIG_CUDA && defined(SA_SIGINFO)
    if (s->device)
        ignore_interrupts();
#endif
    if (!s->model)
        return library_error(ctx, status);
    return 0;
}

/** Make a session for frames of this geometry; the one in use stays. */
static int open_session(AVFilterContext *ctx, RaveSession **session,
                        enum AVPixelFormat in_format, int in_width, int in_height,
                        int *out_width, int *out_height)
{
    const RaveFilterContext *s = ctx->priv;
    RaveSessionConfig config = RAVE_SESSION_CONFIG_INIT;
    uint32_t width, height;
    int32_t status;

    config.format        = rave_format(in_format);
    config.output_format = rave_format(s->out_format);
    config.width         = in_width;
    config.height        = in_height;
    config.tile_width    = s->tile_width;
    config.tile_height   = s->tile_height;
    config.overlap       = s->overlap;
    config.dither        = s->dither;
    config.mode          = s->mode;
    config.streams       = s->streams;
    config.batch         = s->batch;
    config.graph         = s->graph;
    *session = rave_session_create(s->model, &config, &status);
    if (!*session)
        return library_error(ctx, status);

    status = rave_session_output_size(*session, &width, &height);
    if (status != RAVE_OK) {
        int ret = library_error(ctx, status);
        rave_session_destroy(session);
        return ret;
    }
    *out_width  = width;
    *out_height = height;
    return 0;
}

/** Go on with a session that open_session() has made. */
static int use_session(AVFilterContext *ctx, RaveSession *session,
                       enum AVPixelFormat in_format, int in_width, int in_height)
{
    RaveFilterContext *s = ctx->priv;
    uint32_t capacity;
    int32_t status = rave_session_capacity(session, &capacity);
    int ret;

    close_session(ctx);
    s->session    = session;
    s->nb_repeats = 0;
    s->in_format = in_format;
    s->in_width  = in_width;
    s->in_height = in_height;
    if (status != RAVE_OK)
        return library_error(ctx, status);
    s->capacity  = capacity;
    s->in_flight = av_fifo_alloc2(capacity, sizeof(FrameInFlight), 0);
    ret = s->in_flight ? 0 : AVERROR(ENOMEM);
    return ret;
}

/** The format of a link's pixels, wherever they are. */
static enum AVPixelFormat pixel_format(AVFilterLink *link)
{
#if CONFIG_CUDA
    if (link->format == AV_PIX_FMT_CUDA)
        return frames_context(ff_filter_link(link)->hw_frames_ctx)->sw_format;
#endif
    return link->format;
}

/**
 * Whether frames leave the graph behind this filter, but for filters that pass
 * them on as they are, which ffmpeg puts before an encoder.
 */
static int is_last(const AVFilterContext *ctx)
{
    static const char *const passing[] = { "format", "noformat", "null", "trim", "setpts", "settb", "fps" };
    const AVFilterContext *next = ctx->outputs[0]->dst;
    size_t i = 0;

    while (i < FF_ARRAY_ELEMS(passing)) {
        if (strcmp(next->filter->name, passing[i])) {
            i++;
        } else {
            if (!next->outputs[0] || !next->outputs[0]->dst)
                return 0;
            next = next->outputs[0]->dst;
            i = 0;
        }
    }
    return !strcmp(next->filter->name, "buffersink");
}

#if CONFIG_CUDA
/** How many frames a pool begins with, and the bytes they may take together: what the queues of ffmpeg hold when the
 * encoder is what all wait for. */
#define POOLED_FRAMES 16
#define POOLED_BYTES  (256 << 20)

/**
 * A pool of CUDA frames, which begins with that many, so that none is allocated later; NULL and why.
 *
 * With none where memory is not enough: as it may be for the few that are needed.
 */
static AVBufferRef *new_frames(AVFilterContext *ctx, int width, int height, int pooled, int *why)
{
    const RaveFilterContext *s = ctx->priv;
    AVBufferRef *ref = av_hwframe_ctx_alloc(s->device);
    AVHWFramesContext *frames;

    if (!ref) {
        *why = AVERROR(ENOMEM);
        return NULL;
    }
    frames = (AVHWFramesContext *)ref->data;
    frames->format    = AV_PIX_FMT_CUDA;
    frames->sw_format = s->out_format;
    frames->width     = width;
    frames->height    = height;
    frames->initial_pool_size = pooled;
    *why = av_hwframe_ctx_init(ref);
    if (*why >= 0)
        return ref;
    av_buffer_unref(&ref);
    if (*why != AVERROR(ENOMEM) || !pooled)
        return NULL;
    av_log(ctx, AV_LOG_VERBOSE, "The GPU has no memory for %d frames of the result in advance\n", pooled);
    return new_frames(ctx, width, height, 0, why);
}

/** Where CUDA frames of this size come from. */
/* RV-FILT-1301, RV-FILT-1302, RV-FILT-1306 */
static int open_frames(AVFilterContext *ctx, int width, int height)
{
    RaveFilterContext *s = ctx->priv;
    AVFilterLink *inlink = ctx->inputs[0], *outlink = ctx->outputs[0];
    const AVBufferRef *in_ref = ff_filter_link(inlink)->hw_frames_ctx;
    AVBufferRef *out_ref;
    int ret;

    /* Where neither size nor format changes, the result is written over the
     * input when nobody else holds it, and the two come from one pool. */
    if (width == inlink->w && height == inlink->h && s->out_format == s->in_format &&
        !(frames_context(in_ref)->width & 1) && !(frames_context(in_ref)->height & 1)) {
        out_ref = av_buffer_ref(in_ref);
        if (!out_ref)
            return AVERROR(ENOMEM);
    } else {
        /* Subsampled planes of an odd size would lie in each other in some versions. */
        int even_width = FFALIGN(width, 2), even_height = FFALIGN(height, 2);
        int bytes = av_image_get_buffer_size(s->out_format, even_width, even_height, 256);

        out_ref = new_frames(ctx, even_width, even_height,
                             bytes > 0 ? FFMIN(POOLED_FRAMES, POOLED_BYTES / bytes) : 0, &ret);
        if (!out_ref) {
            av_log(ctx, AV_LOG_ERROR, "CUDA frames cannot hold %s: %s\n",
                   av_get_pix_fmt_name(s->out_format), av_err2str(ret));
            return ret;
        }
    }
    av_buffer_unref(&ff_filter_link(outlink)->hw_frames_ctx);
    ff_filter_link(outlink)->hw_frames_ctx = out_ref;
    return 0;
}

/**
 * Say what the GPU's encoders do not take of the result, when it goes to one:
 * they themselves say little more than that they failed.
 */
static void check_encoders(AVFilterContext *ctx)
{
    static const char *const encoders[] = { "h264_nvenc", "hevc_nvenc", "av1_nvenc" };
    const RaveFilterContext *s = ctx->priv;
    const AVFilterLink *outlink = ctx->outputs[0];
    int level = AV_LOG_INFO;

    if (!is_last(ctx))
        return;
    for (size_t i = 0; i < FF_ARRAY_ELEMS(encoders); i++) {
        int32_t status = rave_encoder_check(s->context, encoders[i], outlink->w, outlink->h,
                                            rave_format(s->out_format));

        /* Many GPUs lack the last one altogether. */
        if (i == FF_ARRAY_ELEMS(encoders) - 1)
            level = AV_LOG_VERBOSE;
        if (status != RAVE_OK)
            av_log(ctx, level, "For %s: %s\n", encoders[i], rave_last_error(s->context));
        /* What is missing altogether is missing for all of them. */
        if (status == RAVE_ERROR_INVALID_DEVICE || status == RAVE_ERROR_RUNTIME_LIBRARY_MISSING)
            return;
    }
}
#endif

static int config_output(AVFilterLink *outlink)
{
    AVFilterContext *ctx = outlink->src;
    RaveFilterContext *s = ctx->priv;
    AVFilterLink *inlink = ctx->inputs[0];
    enum AVPixelFormat in_format;
    RaveSession *session;
    int ret;

    close_all(ctx);
    if ((inlink->format == AV_PIX_FMT_CUDA) != (outlink->format == AV_PIX_FMT_CUDA)) {
        av_log(ctx, AV_LOG_ERROR, "The input is %s and the output would be %s; frames stay where they are: "
               "put hwupload_cuda before this filter, or hwdownload after it\n",
               av_get_pix_fmt_name(inlink->format), av_get_pix_fmt_name(outlink->format));
        return AVERROR(EINVAL);
    }
    if ((ret = open_model(ctx)) < 0)
        return ret;

    in_format     = pixel_format(inlink);
    s->out_format = s->format != AV_PIX_FMT_NONE ? s->format : s->device ? in_format : outlink->format;

    /* Both axes have one scale, so the aspect ratio of a sample stays, as do
     * the time base and the frame rate. */
    ret = open_session(ctx, &session, in_format, inlink->w, inlink->h, &outlink->w, &outlink->h);
    if (ret < 0)
        return ret;
    if ((ret = use_session(ctx, session, in_format, inlink->w, inlink->h)) < 0)
        return ret;
#if CONFIG_CUDA
    if (s->device) {
        if ((ret = open_frames(ctx, outlink->w, outlink->h)) < 0)
            return ret;
        check_encoders(ctx);
    }
#endif
    s->out_width  = outlink->w;
    s->out_height = outlink->h;
    s->emitted    = s->error = 0;
    return 0;
}

/** Size of what is left of a frame after cropping. */
static int visible_size(AVFilterContext *ctx, const AVFrame *frame, int *width, int *height)
{
    const size_t stored_width = frame->width, stored_height = frame->height;

    if (frame->crop_left  >= stored_width  || frame->crop_right  >= stored_width  - frame->crop_left ||
        frame->crop_top   >= stored_height || frame->crop_bottom >= stored_height - frame->crop_top) {
        av_log(ctx, AV_LOG_ERROR,
               "Nothing is left of a %dx%d frame cropped by %zu left, %zu right, %zu top, %zu bottom\n",
               frame->width, frame->height,
               frame->crop_left, frame->crop_right, frame->crop_top, frame->crop_bottom);
        return AVERROR(ERANGE);
    }
    *width  = stored_width  - frame->crop_left - frame->crop_right;
    *height = stored_height - frame->crop_top  - frame->crop_bottom;
    return 0;
}

/** The format of a frame's pixels, wherever they are. */
static enum AVPixelFormat frame_format(const AVFrame *frame)
{
#if CONFIG_CUDA
    if (frame->format == AV_PIX_FMT_CUDA)
        return frames_context(frame->hw_frames_ctx)->sw_format;
#endif
    return frame->format;
}

/**
 * Whether the frame is what the link announced and is processed as it is
 * stored. Cropping that is still pending is then left to whoever comes next.
 * Of CUDA frames nobody comes who does it, so it is done here.
 */
/* RV-FILT-1303 */
static int keeps_cropping(const RaveFilterContext *s, const AVFrame *frame)
{
    return !s->device && frame->format == s->in_format &&
           frame->width == s->in_width && frame->height == s->in_height;
}

/** Refuse a frame that is not where the session works. */
/* RV-FILT-1304 */
static int check_device(AVFilterContext *ctx, const AVFrame *frame)
{
    const RaveFilterContext *s = ctx->priv;

    if ((frame->format == AV_PIX_FMT_CUDA) != !!s->device) {
        av_log(ctx, AV_LOG_ERROR, "A frame is %s where the stream began with %s ones; let the filter graph be "
               "rebuilt when the input changes (no -reinit_filter 0)\n", av_get_pix_fmt_name(frame->format),
               s->device ? "CUDA" : "software");
        return AVERROR(EINVAL);
    }
#if CONFIG_CUDA
    if (s->device) {
        const AVBufferRef *device = frame->hw_frames_ctx ? frames_context(frame->hw_frames_ctx)->device_ref : NULL;

        if (!device || cuda_context(device)->cuda_ctx != cuda_context(s->device)->cuda_ctx ||
                       cuda_context(device)->stream   != cuda_context(s->device)->stream) {
            av_log(ctx, AV_LOG_ERROR, "A CUDA frame is of another CUDA context than the stream began with; "
                   "let all of -hwaccel_device, -filter_hw_device and hwupload_cuda name one device\n");
            return AVERROR(EINVAL);
        }
    }
#endif
    return 0;
}

static int emit_frame(AVFilterContext *ctx);

/** Pass on what the library has. */
static int emit_frames(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;
    int ret = 0;

    while (ret >= 0 && s->in_flight && av_fifo_can_read(s->in_flight))
        ret = emit_frame(ctx);
    return ret;
}

/**
 * Whether frames of another size than the link's can be passed on: encoders
 * and programs take the size of the first frame, filters that of their link.
 */
/* RV-FILT-1103 */
static int takes_other_size(const AVFilterContext *ctx)
{
    const RaveFilterContext *s = ctx->priv;

    return s->device && !s->emitted && is_last(ctx);
}

/**
 * Make the session fit the frame. Usually the graph is rebuilt when the input
 * changes, but callers may forgo that, and frames may come with cropping that
 * the link knows nothing of.
 */
/* RV-FILT-1103 */
static int follow_input(AVFilterContext *ctx, const AVFrame *in)
{
    RaveFilterContext *s = ctx->priv;
    const enum AVPixelFormat format = frame_format(in);
    const char *old_format = av_get_pix_fmt_name(s->in_format);
    const char *new_format = av_get_pix_fmt_name(format);
    RaveSession *session;
    int width, height, out_width, out_height, ret;

    if (keeps_cropping(s, in))
        return 0;
    if ((ret = visible_size(ctx, in, &width, &height)) < 0)
        return ret;
    if (format == s->in_format && width == s->in_width && height == s->in_height)
        return 0;

    /* What was asked of the old session comes first. The two would take
     * twice the memory beside each other. */
    if ((ret = emit_frames(ctx)) < 0)
        return ret;
    close_session(ctx);
    ret = open_session(ctx, &session, format, width, height, &out_width, &out_height);
    if (ret < 0)
        return ret;
    if ((out_width != s->out_width || out_height != s->out_height) && !takes_other_size(ctx)) {
        rave_session_destroy(&session);
        av_log(ctx, AV_LOG_ERROR,
               "The input was %s %dx%d and is %s %dx%d now (%dx%d before cropping), which would make "
               "%dx%d, but the filters after this one were set up for %dx%d; let the filter graph be "
               "rebuilt when the input changes (no -reinit_filter 0) and cropping be done %s\n",
               old_format, s->in_width, s->in_height, new_format, width, height,
               in->width, in->height, out_width, out_height, s->out_width, s->out_height,
               s->device ? "before this filter (scale_cuda does it from FFmpeg 8 on)"
                         : "by the decoder (no -apply_cropping 0)");
        return AVERROR(EINVAL);
    }

    av_log(ctx, AV_LOG_INFO, "The input was %s %dx%d and is %s %dx%d now\n",
           old_format, s->in_width, s->in_height, new_format, width, height);
    if ((ret = use_session(ctx, session, format, width, height)) < 0)
        return ret;
    if (out_width != s->out_width || out_height != s->out_height) {
#if CONFIG_CUDA
        if ((ret = open_frames(ctx, out_width, out_height)) < 0)
            return ret;
#endif
        s->out_width  = out_width;
        s->out_height = out_height;
    }
    return 0;
}

static void describe_frame(RaveFrame *desc, const AVFrame *frame)
{
    *desc = (RaveFrame)RAVE_FRAME_INIT;
    desc->format      = rave_format(frame_format(frame));
    desc->memory      = frame->format == AV_PIX_FMT_CUDA ? RAVE_MEMORY_CUDA : RAVE_MEMORY_HOST;
    desc->width       = frame->width;
    desc->height      = frame->height;
    desc->crop_left   = frame->crop_left;
    desc->crop_right  = frame->crop_right;
    desc->crop_top    = frame->crop_top;
    desc->crop_bottom = frame->crop_bottom;
    desc->matrix      = frame->colorspace;
    desc->range       = frame->color_range;
    desc->siting      = frame->chroma_location;
    for (size_t i = 0; i < FF_ARRAY_ELEMS(desc->data); i++) {
        desc->data[i]     = frame->data[i];
        desc->linesize[i] = frame->linesize[i];
    }
}

/* RV-FILT-1005 */
static void remove_size_dependent_side_data(AVFrame *frame)
{
#if LIBAVFILTER_VERSION_MAJOR < 11
    static const enum AVFrameSideDataType types[] = {
        AV_FRAME_DATA_PANSCAN,
        AV_FRAME_DATA_MOTION_VECTORS,
        AV_FRAME_DATA_SPHERICAL,
        AV_FRAME_DATA_REGIONS_OF_INTEREST,
        AV_FRAME_DATA_DETECTION_BBOXES,
        AV_FRAME_DATA_VIDEO_HINT,
        AV_FRAME_DATA_LCEVC,
    };

    for (size_t i = 0; i < FF_ARRAY_ELEMS(types); i++)
        av_frame_remove_side_data(frame, types[i]);
#else
    av_frame_side_data_remove_by_props(&frame->side_data, &frame->nb_side_data,
                                       AV_SIDE_DATA_PROP_SIZE_DEPENDENT);
#endif
}

/** Leave cropping that is still pending to whoever comes next, or none where it is done. */
static void scale_cropping(const RaveFilterContext *s, AVFrame *out, const AVFrame *in)
{
    const int kept = keeps_cropping(s, in);

    out->crop_left   = kept ? av_rescale(in->crop_left,   out->width,  in->width)  : 0;
    out->crop_right  = kept ? av_rescale(in->crop_right,  out->width,  in->width)  : 0;
    out->crop_top    = kept ? av_rescale(in->crop_top,    out->height, in->height) : 0;
    out->crop_bottom = kept ? av_rescale(in->crop_bottom, out->height, in->height) : 0;
}

/** Whether the result may be written over the input. */
/* RV-FILT-1305 */
static int can_work_in_place(const AVFilterContext *ctx, AVFrame *in)
{
#if CONFIG_CUDA
    const RaveFilterContext *s = ctx->priv;
    const AVBufferRef *frames = ff_filter_link(ctx->outputs[0])->hw_frames_ctx;

    /* With dedup the input is compared with the next one. */
    return s->device && !s->dedup && frames->data == in->hw_frames_ctx->data &&
           !in->crop_left && !in->crop_right && !in->crop_top && !in->crop_bottom &&
           in->width == s->out_width && in->height == s->out_height && av_frame_is_writable(in);
#else
    return 0;
#endif
}

static AVFrame *get_buffer(AVFilterLink *outlink, int width, int height)
{
    AVFrame *out;

    if (outlink->format != AV_PIX_FMT_CUDA)
        return ff_get_video_buffer(outlink, width, height);
    if (!(out = av_frame_alloc()))
        return NULL;
    if (av_hwframe_get_buffer(ff_filter_link(outlink)->hw_frames_ctx, out, 0) < 0)
        av_frame_free(&out);
    else {
        /* The pool's frames may be larger. */
        out->width  = width;
        out->height = height;
    }
    return out;
}

/** A frame for the result, with the properties of the input that hold for it too. */
/* RV-FILT-1003, RV-FILT-1303 */
static AVFrame *get_output_frame(AVFilterContext *ctx, AVFrame *in)
{
    const RaveFilterContext *s = ctx->priv;
    AVFrame *out;

    if (can_work_in_place(ctx, in))
        return in;

    out = get_buffer(ctx->outputs[0], s->out_width, s->out_height);
    if (!out)
        return NULL;
    if (av_frame_copy_props(out, in) < 0) {
        av_frame_free(&out);
        return NULL;
    }
    out->crop_left = out->crop_right = out->crop_top = out->crop_bottom = 0;
    if (out->width != in->width || out->height != in->height)
        remove_size_dependent_side_data(out);
    return out;
}

/** Tag the result as what the library says that it made. */
/* RV-FILT-1004, RV-FILT-1006 */
static void set_color_properties(AVFilterContext *ctx, AVFrame *out, const RaveFrame *made)
{
    RaveFilterContext *s = ctx->priv;
    const AVFilterLink *outlink = ctx->outputs[0];
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(s->out_format);

    /* These two name one matrix: keep the name that the input had. */
    if (!(out->colorspace == AVCOL_SPC_BT470BG && made->matrix == AVCOL_SPC_SMPTE170M))
        out->colorspace = made->matrix;
    out->color_range     = made->range;
    out->chroma_location = desc->log2_chroma_w || desc->log2_chroma_h ? made->siting
                                                                      : AVCHROMA_LOC_UNSPECIFIED;

    /* Can happen where Y'CbCr is made of RGB: only the library knows which. */
    if (is_yuv(s->out_format) && !s->warned_color &&
        ((outlink->color_range != AVCOL_RANGE_UNSPECIFIED && outlink->color_range != out->color_range) ||
         (outlink->colorspace  != AVCOL_SPC_UNSPECIFIED   && outlink->colorspace  != out->colorspace))) {
        s->warned_color = 1;
        av_log(ctx, AV_LOG_WARNING,
               "The output has matrix %s and range %s, but the filters after this one asked for %s and %s; "
               "it is tagged as what it is, a scale filter after this one can convert it\n",
               av_color_space_name(out->colorspace), av_color_range_name(out->color_range),
               av_color_space_name(outlink->colorspace), av_color_range_name(outlink->color_range));
    }
}

/**
 * Where the frame repeats the one before, take the result of that one.
 *
 * @return 1 if it does, 0 if not, an error code on failure
 */
/* RV-FILT-1309 */
static int submit_repeat(AVFilterContext *ctx, AVFrame *in, const RaveFrame *desc)
{
    RaveFilterContext *s = ctx->priv;
    AVFrame *out;
    int32_t repeat, status;
    int ret;

    if (!s->last_in || !s->last_out)
        return 0;
    status = rave_session_is_repeat(s->session, &s->last_desc, desc, &repeat);
    if (status != RAVE_OK)
        return library_error(ctx, status);
    if (!repeat)
        return 0;

    out = av_frame_clone(s->last_out);
    if (!out)
        return AVERROR(ENOMEM);
    /* The pixels are the other's, with their colours; all else is its own. */
    av_frame_side_data_free(&out->side_data, &out->nb_side_data);
    av_dict_free(&out->metadata);
    if ((ret = av_frame_copy_props(out, in)) < 0 ||
        (ret = av_fifo_write(s->in_flight, &(FrameInFlight){ NULL, out, 1 }, 1)) < 0) {
        av_frame_free(&out);
        return ret;
    }
    scale_cropping(s, out, in);
    out->colorspace      = s->last_out->colorspace;
    out->color_range     = s->last_out->color_range;
    out->chroma_location = s->last_out->chroma_location;
    if (out->width != in->width || out->height != in->height)
        remove_size_dependent_side_data(out);
    s->nb_repeats++;
    return 1;
}

/** Keep what a repeat of this frame will need. */
static int remember_frame(RaveFilterContext *s, const AVFrame *in, const AVFrame *out, const RaveFrame *desc)
{
    av_frame_free(&s->last_in);
    av_frame_free(&s->last_out);
    s->last_in   = av_frame_clone(in);
    s->last_out  = av_frame_clone(out);
    s->last_desc = *desc;
    return s->last_in && s->last_out ? 0 : AVERROR(ENOMEM);
}

/** Leave out a frame that the library has no result for, and nobody needs any more. */
/* RV-FILT-1114 */
static void leave_out(RaveFilterContext *s, AVFrame *in, AVFrame *out)
{
    av_frame_free(&s->last_in);
    av_frame_free(&s->last_out);
    if (out != in)
        av_frame_free(&out);
    av_frame_free(&in);
}

/** Give a frame to the library, which gives it back in emit_frame(). */
static int submit_frame(AVFilterContext *ctx, AVFrame *in)
{
    RaveFilterContext *s = ctx->priv;
    AVFilterLink *outlink = ctx->outputs[0];
    AVFrame *out = NULL;
    RaveFrame input, output;
    int32_t status;
    int ret;

    if ((in->flags & AV_FRAME_FLAG_INTERLACED) && !s->warned_interlaced) {
        s->warned_interlaced = 1;
        av_log(ctx, AV_LOG_WARNING, "The input is interlaced and the model sees both fields as "
               "one picture; deinterlace it before (%s) for good results\n", s->device ? "bwdif_cuda" : "bwdif");
    }

    if ((ret = check_device(ctx, in)) < 0 ||
        (ret = follow_input(ctx, in)) < 0)
        goto fail;

    describe_frame(&input, in);
    if (keeps_cropping(s, in))
        input.crop_left = input.crop_right = input.crop_top = input.crop_bottom = 0;
    if (s->dedup) {
        if ((ret = submit_repeat(ctx, in, &input)) < 0)
            goto fail;
        if (ret) {
            av_frame_free(&in);
            return 0;
        }
    }

    out = get_output_frame(ctx, in);
    if (!out) {
        ret = AVERROR(ENOMEM);
        goto fail;
    }

    describe_frame(&output, out);
    scale_cropping(s, out, in);
    /* Where the library has a choice, it makes what the graph agreed on. */
    output.matrix = is_yuv(s->out_format) ? outlink->colorspace  : AVCOL_SPC_UNSPECIFIED;
    output.range  = is_yuv(s->out_format) ? outlink->color_range : AVCOL_RANGE_UNSPECIFIED;
    if (s->dedup && (ret = remember_frame(s, in, out, &input)) < 0)
        goto fail;
    status = rave_session_submit(s->session, &input, &output);
    if (status == RAVE_ERROR_FRAME_LOST) {
        /* The library has said so. */
        leave_out(s, in, out);
        return 0;
    }
    if (status != RAVE_OK) {
        ret = library_error(ctx, status);
        /* Part of the work may be on the GPU: this waits for it. */
        close_session(ctx);
        goto fail;
    }
    set_color_properties(ctx, out, &output);
    if (s->dedup) {
        s->last_out->colorspace      = out->colorspace;
        s->last_out->color_range     = out->color_range;
        s->last_out->chroma_location = out->chroma_location;
    }

    /* There is room: a frame was passed on whenever it was full. */
    ret = av_fifo_write(s->in_flight, &(FrameInFlight){ in == out ? NULL : in, out, 0 }, 1);
    if (ret >= 0)
        return ret;
    close_session(ctx);

fail:
    s->error = ret;
    if (out != in)
        av_frame_free(&out);
    av_frame_free(&in);
    return ret;
}

/**
 * Pass on the oldest frame that the library has. What follows on its stream
 * is behind the result, so that the input can be reused, too.
 */
static int emit_frame(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;
    FrameInFlight frame;
    int32_t status;
    int ret;

    if ((ret = av_fifo_peek(s->in_flight, &frame, 1, 0)) < 0)
        return ret;
    if (!frame.is_repeat && (status = rave_session_finish(s->session)) != RAVE_OK)
        return s->error = library_error(ctx, status);
    av_fifo_drain2(s->in_flight, 1);
    av_frame_free(&frame.in);
    s->emitted = 1;
    return ff_filter_frame(ctx->outputs[0], frame.out);
}

/* RV-FILT-1105, RV-FILT-1307 */
static int activate(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;
    AVFilterLink *inlink = ctx->inputs[0], *outlink = ctx->outputs[0];
    AVFrame *in;
    int64_t pts;
    int32_t result;
    int status, err;

    if (s->error)
        return s->error;
    FF_FILTER_FORWARD_STATUS_BACK(outlink, inlink);

    if ((err = ff_inlink_consume_frame(inlink, &in)) < 0)
        return err;
    if (err) {
        if ((err = submit_frame(ctx, in)) < 0)
            return err;
        if (av_fifo_can_read(s->in_flight) == s->capacity && (err = emit_frame(ctx)) < 0)
            return err;
        if (ff_inlink_queued_frames(inlink)) {
            ff_filter_set_ready(ctx, 100);
            return 0;
        }
    }

    if (ff_inlink_acknowledge_status(inlink, &status, &pts)) {
        /* Once, so that nothing that went wrong with the last frames is missed. */
        result = rave_session_drain(s->session);
        if (result != RAVE_OK)
            return s->error = library_error(ctx, result);
        if ((err = emit_frames(ctx)) < 0)
            return err;
        ff_outlink_set_status(outlink, status, pts);
        return 0;
    }

    FF_FILTER_FORWARD_WANTED(outlink, inlink);
    return FFERROR_NOT_READY;
}

/* RV-FILT-1105 */
static av_cold void uninit(AVFilterContext *ctx)
{
    const RaveFilterContext *s = ctx->priv;
    const size_t kept = s->in_flight ? av_fifo_can_read(s->in_flight) : 0;

    /* Nothing announces that a graph is about to be rebuilt. */
    if (kept && !s->error && !ff_outlink_get_status(ctx->outputs[0]))
        av_log(ctx, AV_LOG_WARNING, "%zu frame%s still on the GPU and %s lost, because the filter graph ends "
               "before the stream; streams=1:batch=1 keeps none back\n", kept, kept == 1 ? " is" : "s are",
               kept == 1 ? "is" : "are");
    close_all(ctx);
}

#define OFFSET(x) offsetof(RaveFilterContext, x)
#define FLAGS (AV_OPT_FLAG_VIDEO_PARAM | AV_OPT_FLAG_FILTERING_PARAM)

/* RV-FILT-1107, RV-FILT-1108 */
static const AVOption rave_options[] = {
    { "model",       "path of the model file",                 OFFSET(model_path), AV_OPT_TYPE_STRING,
        { .str = NULL }, .flags = FLAGS },
    { "backend",     "what runs the model",                    OFFSET(backend), AV_OPT_TYPE_INT,
        { .i64 = RAVE_BACKEND_AUTO }, RAVE_BACKEND_AUTO, RAVE_BACKEND_TENSORRT, .flags = FLAGS, .unit = "backend" },
        { "auto",     "choose by the model file",        0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BACKEND_AUTO }, .flags = FLAGS, .unit = "backend" },
        { "onnx",     "ONNX models on the CPU",          0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BACKEND_ONNX }, .flags = FLAGS, .unit = "backend" },
        { "tensorrt", "TensorRT engines on the GPU",     0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BACKEND_TENSORRT }, .flags = FLAGS, .unit = "backend" },
    { "mode",        "what counts as an error",                OFFSET(mode), AV_OPT_TYPE_INT,
        { .i64 = RAVE_MODE_STRICT }, RAVE_MODE_STRICT, RAVE_MODE_HARDENED, .flags = FLAGS, .unit = "mode" },
        { "strict",   "any deviation",                   0, AV_OPT_TYPE_CONST, { .i64 = RAVE_MODE_STRICT }, .flags = FLAGS, .unit = "mode" },
        { "hardened", "what cannot be gone on from",     0, AV_OPT_TYPE_CONST, { .i64 = RAVE_MODE_HARDENED }, .flags = FLAGS, .unit = "mode" },
    { "threads",     "number of CPU threads, 0 for all",       OFFSET(threads), AV_OPT_TYPE_INT,
        { .i64 = 0 }, 0, 1024, .flags = FLAGS },
    { "tile",        "size of the tiles to cut frames into",   OFFSET(tile), AV_OPT_TYPE_STRING,
        { .str = "auto" }, .flags = FLAGS },
    { "overlap",     "pixels that neighbouring tiles share",   OFFSET(overlap), AV_OPT_TYPE_INT,
        { .i64 = 0 }, 0, 16384, .flags = FLAGS },
    { "format",      "output pixel format",                    OFFSET(format), AV_OPT_TYPE_PIXEL_FMT,
        { .i64 = AV_PIX_FMT_NONE }, AV_PIX_FMT_NONE, INT_MAX, .flags = FLAGS },
    { "values",      "what stands for white in the model",     OFFSET(values), AV_OPT_TYPE_INT,
        { .i64 = RAVE_VALUES_UNIT }, RAVE_VALUES_UNIT, RAVE_VALUES_BYTE, .flags = FLAGS, .unit = "values" },
        { "unit",     "1",                               0, AV_OPT_TYPE_CONST, { .i64 = RAVE_VALUES_UNIT }, .flags = FLAGS, .unit = "values" },
        { "byte",     "255",                             0, AV_OPT_TYPE_CONST, { .i64 = RAVE_VALUES_BYTE }, .flags = FLAGS, .unit = "values" },
    { "dither",      "how to round to the output's bit depth", OFFSET(dither), AV_OPT_TYPE_INT,
        { .i64 = RAVE_DITHER_AUTO }, RAVE_DITHER_AUTO, RAVE_DITHER_NONE, .flags = FLAGS, .unit = "dither" },
        { "auto",     "ordered dither for 8-bit output", 0, AV_OPT_TYPE_CONST, { .i64 = RAVE_DITHER_AUTO }, .flags = FLAGS, .unit = "dither" },
        { "none",     "round to nearest",                0, AV_OPT_TYPE_CONST, { .i64 = RAVE_DITHER_NONE }, .flags = FLAGS, .unit = "dither" },
    { "runtime_lib", "inference library, or \"embedded\"",         OFFSET(runtime_lib), AV_OPT_TYPE_STRING,
        { .str = NULL }, .flags = FLAGS },
    { "lean_runtime", "lean runtime of an older TensorRT",     OFFSET(lean_runtime), AV_OPT_TYPE_STRING,
        { .str = NULL }, .flags = FLAGS },
    { "allow_host_code", "let engines run host code of their own", OFFSET(allow_host_code), AV_OPT_TYPE_BOOL,
        { .i64 = 0 }, 0, 1, .flags = FLAGS },
    { "build",       "whether an ONNX model becomes an engine on a GPU", OFFSET(build), AV_OPT_TYPE_INT,
        { .i64 = RAVE_BUILD_AUTO }, RAVE_BUILD_AUTO, RAVE_BUILD_ONLY, .flags = FLAGS, .unit = "build" },
        { "auto",     "unless it is in the cache",       0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BUILD_AUTO }, .flags = FLAGS, .unit = "build" },
        { "never",    "it has to be in the cache",       0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BUILD_NEVER }, .flags = FLAGS, .unit = "build" },
        { "only",     "and nothing more is done",        0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BUILD_ONLY }, .flags = FLAGS, .unit = "build" },
    { "precision",   "what an engine that is built computes in", OFFSET(precision), AV_OPT_TYPE_INT,
        { .i64 = RAVE_PRECISION_AUTO }, RAVE_PRECISION_AUTO, RAVE_PRECISION_TF32, .flags = FLAGS, .unit = "precision" },
        { "auto",     "the model's own",                 0, AV_OPT_TYPE_CONST, { .i64 = RAVE_PRECISION_AUTO }, .flags = FLAGS, .unit = "precision" },
        { "fp32",     "32-bit floating point",           0, AV_OPT_TYPE_CONST, { .i64 = RAVE_PRECISION_FP32 }, .flags = FLAGS, .unit = "precision" },
        { "fp16",     "16-bit floating point",           0, AV_OPT_TYPE_CONST, { .i64 = RAVE_PRECISION_FP16 }, .flags = FLAGS, .unit = "precision" },
        { "bf16",     "bfloat16",                        0, AV_OPT_TYPE_CONST, { .i64 = RAVE_PRECISION_BF16 }, .flags = FLAGS, .unit = "precision" },
        { "tf32",     "fp32 with products of 10-bit mantissas", 0, AV_OPT_TYPE_CONST, { .i64 = RAVE_PRECISION_TF32 }, .flags = FLAGS, .unit = "precision" },
    { "cache",       "folder that keeps built engines, or \"off\"", OFFSET(cache), AV_OPT_TYPE_STRING,
        { .str = NULL }, .flags = FLAGS },
    { "builder",     "command rave that builds engines",       OFFSET(builder), AV_OPT_TYPE_STRING,
        { .str = NULL }, .flags = FLAGS },
    { "ledger",      "file that gets the evidence of the run", OFFSET(ledger), AV_OPT_TYPE_STRING,
        { .str = NULL }, .flags = FLAGS },
    { "ledger_every", "of how many frames one is taken down",  OFFSET(ledger_every), AV_OPT_TYPE_INT,
        { .i64 = 1 }, 1, INT_MAX, .flags = FLAGS },
    { "streams",     "frames computed at a time on a GPU, 0 to choose", OFFSET(streams), AV_OPT_TYPE_INT,
        { .i64 = 0 }, 0, 16, .flags = FLAGS, .unit = "streams" },
        { "auto",     "choose",                          0, AV_OPT_TYPE_CONST, { .i64 = 0 }, .flags = FLAGS, .unit = "streams" },
    { "batch",       "frames that go through the model together on a GPU", OFFSET(batch), AV_OPT_TYPE_INT,
        { .i64 = 1 }, 1, 64, .flags = FLAGS },
    { "graph",       "whether to launch frames as a CUDA graph", OFFSET(graph), AV_OPT_TYPE_INT,
        { .i64 = RAVE_GRAPH_AUTO }, RAVE_GRAPH_AUTO, RAVE_GRAPH_ON, .flags = FLAGS, .unit = "graph" },
        { "auto",     "choose",                          0, AV_OPT_TYPE_CONST, { .i64 = RAVE_GRAPH_AUTO }, .flags = FLAGS, .unit = "graph" },
        { "off",      "one call after the other",        0, AV_OPT_TYPE_CONST, { .i64 = RAVE_GRAPH_OFF }, .flags = FLAGS, .unit = "graph" },
        { "on",       "where the engine can be captured", 0, AV_OPT_TYPE_CONST, { .i64 = RAVE_GRAPH_ON }, .flags = FLAGS, .unit = "graph" },
    { "dedup",       "whether repeated frames go through the model", OFFSET(dedup), AV_OPT_TYPE_INT,
        { .i64 = 0 }, 0, 1, .flags = FLAGS, .unit = "dedup" },
        { "none",     "all frames do",                   0, AV_OPT_TYPE_CONST, { .i64 = 0 }, .flags = FLAGS, .unit = "dedup" },
        { "exact",    "frames with equal bytes do once", 0, AV_OPT_TYPE_CONST, { .i64 = 1 }, .flags = FLAGS, .unit = "dedup" },
    { "require_cuda", "refuse frames that are not on a GPU",   OFFSET(require_cuda), AV_OPT_TYPE_BOOL,
        { .i64 = 0 }, 0, 1, .flags = FLAGS },
    { NULL }
};

AVFILTER_DEFINE_CLASS(rave);

static const AVFilterPad rave_inputs[] = {
    {
        .name = "default",
        .type = AVMEDIA_TYPE_VIDEO,
    },
};

static const AVFilterPad rave_outputs[] = {
    {
        .name         = "default",
        .type         = AVMEDIA_TYPE_VIDEO,
        .config_props = config_output,
    },
};

const FFFilter ff_vf_rave = {
    PUBLIC(name)        = "rave",
    PUBLIC(description) = NULL_IF_CONFIG_SMALL("Run an AI model on video frames."),
    PUBLIC(priv_class)  = &rave_class,
    .priv_size          = sizeof(RaveFilterContext),
    .init               = init,
    .uninit             = uninit,
    .activate           = activate,
    FILTER_INPUTS(rave_inputs),
    FILTER_OUTPUTS(rave_outputs),
    FILTER_QUERY_FUNC2(query_formats),
    .flags_internal     = FF_FILTER_FLAG_HWFRAME_AWARE,
};
