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
#include <stdlib.h>
#include <string.h>

#include <rave.h>

#include "libavutil/bprint.h"
#include "libavutil/frame.h"
#include "libavutil/mathematics.h"
#include "libavutil/opt.h"
#include "libavutil/parseutils.h"
#include "libavutil/pixdesc.h"

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

typedef struct RaveFilterContext {
    const AVClass *class;

    /* options */
    char *model_path;
    char *runtime_lib;
    char *tile;
    int backend;
    int values;
    int threads;
    int overlap;
    int dither;
    enum AVPixelFormat format;

    int tile_width, tile_height;    ///< parsed from tile; 0 leaves them to the model

    RaveContext *context;
    RaveModel   *model;
    RaveSession *session;

    /* what session was made for */
    enum AVPixelFormat in_format;
    int in_width, in_height;        ///< of the visible part of the input

    int warned_interlaced;
    int warned_color;
} RaveFilterContext;

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
        return AVERROR_EXTERNAL;
    case RAVE_ERROR_BUSY:
        return AVERROR(EBUSY);
    case RAVE_ERROR_CANCELLED:
        return AVERROR_EXIT;
    default: /* also RAVE_ERROR_PANIC */
        return AVERROR_BUG;
    }
}

static int32_t rave_format(enum AVPixelFormat format)
{
    return rave_pixel_format_from_name(av_get_pix_fmt_name(format));
}

/** Log why the last call into the library on this thread failed. */
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

    while ((desc = av_pix_fmt_desc_next(desc))) {
        if (!rave_pixel_format_from_name(desc->name))
            continue;
        if ((ret = ff_add_format(&supported, av_pix_fmt_desc_get_id(desc))) < 0)
            return ret;
    }

    if (s->format == AV_PIX_FMT_NONE)
        return ff_set_common_formats2(ctx, cfg_in, cfg_out, supported);

    if ((ret = ff_formats_ref(supported, &cfg_in[0]->formats)) < 0 ||
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

static void close_session(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;
    RaveStats stats = RAVE_STATS_INIT;

    if (s->session && rave_session_stats(s->session, &stats) == RAVE_OK && stats.frames) {
        double frame_ms = 1e6 * stats.frames;

        av_log(ctx, AV_LOG_VERBOSE,
               "%"PRIu64" frames, %"PRIu32" tile%s each, ms per frame: "
               "%.2f unpack, %.2f inference, %.2f pack\n",
               stats.frames, stats.tiles, stats.tiles == 1 ? "" : "s", stats.unpack_ns / frame_ms,
               stats.inference_ns / frame_ms, stats.pack_ns / frame_ms);
    }
    rave_session_destroy(&s->session);
}

static void close_all(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;

    close_session(ctx);
    rave_model_destroy(&s->model);
    rave_context_destroy(&s->context);
}

static int open_model(AVFilterContext *ctx)
{
    RaveFilterContext *s = ctx->priv;
    RaveContextConfig device = RAVE_CONTEXT_CONFIG_INIT;
    RaveModelConfig config = RAVE_MODEL_CONFIG_INIT;
    int32_t status;

    device.device     = RAVE_DEVICE_CPU;
    device.log        = log_message;
    device.log_opaque = ctx;
    device.log_level  = wanted_log_level();
    s->context = rave_context_create(&device, &status);
    if (!s->context)
        return library_error(ctx, status);

    config.backend     = s->backend;
    config.values      = s->values;
    config.threads     = s->threads;
    config.runtime_lib = s->runtime_lib;
    s->model = rave_model_load(s->context, s->model_path, &config, &status);
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
    config.output_format = rave_format(ctx->outputs[0]->format);
    config.width         = in_width;
    config.height        = in_height;
    config.tile_width    = s->tile_width;
    config.tile_height   = s->tile_height;
    config.overlap       = s->overlap;
    config.dither        = s->dither;
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

static void use_session(AVFilterContext *ctx, RaveSession *session,
                        enum AVPixelFormat in_format, int in_width, int in_height)
{
    RaveFilterContext *s = ctx->priv;

    close_session(ctx);
    s->session   = session;
    s->in_format = in_format;
    s->in_width  = in_width;
    s->in_height = in_height;
}

static int config_output(AVFilterLink *outlink)
{
    AVFilterContext *ctx = outlink->src;
    const AVFilterLink *inlink = ctx->inputs[0];
    RaveSession *session;
    int ret;

    close_all(ctx);
    if ((ret = open_model(ctx)) < 0)
        return ret;

    /* Both axes have one scale, so the aspect ratio of a sample stays, as do
     * the time base and the frame rate. */
    ret = open_session(ctx, &session, inlink->format, inlink->w, inlink->h,
                       &outlink->w, &outlink->h);
    if (ret < 0)
        return ret;
    use_session(ctx, session, inlink->format, inlink->w, inlink->h);
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

/**
 * Whether the frame is what the link announced and is processed as it is
 * stored. Cropping that is still pending is then left to whoever comes next.
 */
static int keeps_cropping(const RaveFilterContext *s, const AVFrame *frame)
{
    return frame->format == s->in_format && frame->width == s->in_width && frame->height == s->in_height;
}

/**
 * Make the session fit the frame. Usually the graph is rebuilt when the input
 * changes, but callers may forgo that, and frames may come with cropping that
 * the link knows nothing of.
 */
static int follow_input(AVFilterContext *ctx, const AVFrame *in)
{
    const RaveFilterContext *s = ctx->priv;
    const AVFilterLink *outlink = ctx->outputs[0];
    const char *old_format = av_get_pix_fmt_name(s->in_format);
    const char *new_format = av_get_pix_fmt_name(in->format);
    RaveSession *session;
    int width, height, out_width, out_height, ret;

    if (keeps_cropping(s, in))
        return 0;
    if ((ret = visible_size(ctx, in, &width, &height)) < 0)
        return ret;
    if (in->format == s->in_format && width == s->in_width && height == s->in_height)
        return 0;

    ret = open_session(ctx, &session, in->format, width, height, &out_width, &out_height);
    if (ret < 0)
        return ret;
    if (out_width != outlink->w || out_height != outlink->h) {
        rave_session_destroy(&session);
        av_log(ctx, AV_LOG_ERROR,
               "The input was %s %dx%d and is %s %dx%d now (%dx%d before cropping), which would make "
               "%dx%d, but the filters after this one were set up for %dx%d; let the filter graph be "
               "rebuilt when the input changes (no -reinit_filter 0) and cropping be done by the "
               "decoder (no -apply_cropping 0)\n",
               old_format, s->in_width, s->in_height, new_format, width, height,
               in->width, in->height, out_width, out_height, outlink->w, outlink->h);
        return AVERROR(EINVAL);
    }

    av_log(ctx, AV_LOG_INFO, "The input was %s %dx%d and is %s %dx%d now\n",
           old_format, s->in_width, s->in_height, new_format, width, height);
    use_session(ctx, session, in->format, width, height);
    return 0;
}

static void describe_frame(RaveFrame *desc, const AVFrame *frame)
{
    *desc = (RaveFrame)RAVE_FRAME_INIT;
    desc->format      = rave_format(frame->format);
    desc->memory      = RAVE_MEMORY_HOST;
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

/** A frame for the result, with the properties of the input that hold for it too. */
static AVFrame *get_output_frame(AVFilterLink *outlink, const AVFrame *in)
{
    AVFrame *out = ff_get_video_buffer(outlink, outlink->w, outlink->h);

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
static void set_color_properties(AVFilterContext *ctx, AVFrame *out, const RaveFrame *made)
{
    RaveFilterContext *s = ctx->priv;
    const AVFilterLink *outlink = ctx->outputs[0];
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(out->format);

    /* These two name one matrix: keep the name that the input had. */
    if (!(out->colorspace == AVCOL_SPC_BT470BG && made->matrix == AVCOL_SPC_SMPTE170M))
        out->colorspace = made->matrix;
    out->color_range     = made->range;
    out->chroma_location = desc->log2_chroma_w || desc->log2_chroma_h ? made->siting
                                                                      : AVCHROMA_LOC_UNSPECIFIED;

    /* Can happen where Y'CbCr is made of RGB: only the library knows which. */
    if (is_yuv(out->format) && !s->warned_color &&
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

static int filter_frame(AVFilterLink *inlink, AVFrame *in)
{
    AVFilterContext *ctx = inlink->dst;
    RaveFilterContext *s = ctx->priv;
    AVFilterLink *outlink = ctx->outputs[0];
    AVFrame *out = NULL;
    RaveFrame input, output;
    int32_t status;
    int ret;

    if ((in->flags & AV_FRAME_FLAG_INTERLACED) && !s->warned_interlaced) {
        s->warned_interlaced = 1;
        av_log(ctx, AV_LOG_WARNING, "The input is interlaced and the model sees both fields as "
               "one picture; deinterlace it before (bwdif) for good results\n");
    }

    if ((ret = follow_input(ctx, in)) < 0)
        goto fail;

    out = get_output_frame(outlink, in);
    if (!out) {
        ret = AVERROR(ENOMEM);
        goto fail;
    }

    describe_frame(&input, in);
    describe_frame(&output, out);
    if (keeps_cropping(s, in)) {
        input.crop_left = input.crop_right = input.crop_top = input.crop_bottom = 0;
        out->crop_left   = av_rescale(in->crop_left,   out->width,  in->width);
        out->crop_right  = av_rescale(in->crop_right,  out->width,  in->width);
        out->crop_top    = av_rescale(in->crop_top,    out->height, in->height);
        out->crop_bottom = av_rescale(in->crop_bottom, out->height, in->height);
    }
    /* Where the library has a choice, it makes what the graph agreed on. */
    output.matrix = is_yuv(out->format) ? outlink->colorspace  : AVCOL_SPC_UNSPECIFIED;
    output.range  = is_yuv(out->format) ? outlink->color_range : AVCOL_RANGE_UNSPECIFIED;
    status = rave_session_process(s->session, &input, &output);
    if (status != RAVE_OK) {
        ret = library_error(ctx, status);
        goto fail;
    }
    set_color_properties(ctx, out, &output);

    av_frame_free(&in);
    return ff_filter_frame(outlink, out);

fail:
    av_frame_free(&in);
    av_frame_free(&out);
    return ret;
}

static av_cold void uninit(AVFilterContext *ctx)
{
    close_all(ctx);
}

#define OFFSET(x) offsetof(RaveFilterContext, x)
#define FLAGS (AV_OPT_FLAG_VIDEO_PARAM | AV_OPT_FLAG_FILTERING_PARAM)

static const AVOption rave_options[] = {
    { "model",       "path of the model file",                 OFFSET(model_path), AV_OPT_TYPE_STRING,
        { .str = NULL }, .flags = FLAGS },
    { "backend",     "what runs the model",                    OFFSET(backend), AV_OPT_TYPE_INT,
        { .i64 = RAVE_BACKEND_AUTO }, RAVE_BACKEND_AUTO, RAVE_BACKEND_TENSORRT, .flags = FLAGS, .unit = "backend" },
        { "auto",     "choose by the model file",        0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BACKEND_AUTO }, .flags = FLAGS, .unit = "backend" },
        { "onnx",     "ONNX models on the CPU",          0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BACKEND_ONNX }, .flags = FLAGS, .unit = "backend" },
        { "tensorrt", "TensorRT engines on the GPU",     0, AV_OPT_TYPE_CONST, { .i64 = RAVE_BACKEND_TENSORRT }, .flags = FLAGS, .unit = "backend" },
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
    { NULL }
};

AVFILTER_DEFINE_CLASS(rave);

static const AVFilterPad rave_inputs[] = {
    {
        .name         = "default",
        .type         = AVMEDIA_TYPE_VIDEO,
        .filter_frame = filter_frame,
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
    FILTER_INPUTS(rave_inputs),
    FILTER_OUTPUTS(rave_outputs),
    FILTER_QUERY_FUNC2(query_formats),
};
