/*
 * Frames that are not what the session was made for, or not what they say they are.
 *
 *     misuse_frames identity-1x.onnx
 */

#define _DEFAULT_SOURCE
#include "fixture.h"

enum { WIDTH = 48, HEIGHT = 32, LUMA = WIDTH * HEIGHT, CHROMA = LUMA / 4, BYTES = LUMA + 2 * CHROMA };

static RaveFrame yuv_frame(uint8_t *pixels)
{
    RaveFrame frame = RAVE_FRAME_INIT;
    frame.format = RAVE_PIX_FMT_YUV420P;
    frame.width = WIDTH;
    frame.height = HEIGHT;
    frame.data[0] = pixels;
    frame.data[1] = pixels + LUMA;
    frame.data[2] = pixels + LUMA + CHROMA;
    frame.linesize[0] = WIDTH;
    frame.linesize[1] = frame.linesize[2] = WIDTH / 2;
    return frame;
}

/* Each spoils the description of a good pair of frames in one way. */
typedef void Spoil(RaveFrame *input, RaveFrame *out, int64_t number);

#define SPOIL(name, change)                                                \
    static void name(RaveFrame *input, RaveFrame *out, int64_t number)     \
    {                                                                      \
        (void)input, (void)out, (void)number;                              \
        change;                                                            \
    }

SPOIL(input_format, input->format = (int32_t)number)
SPOIL(out_format, out->format = (int32_t)number)
SPOIL(input_width, input->width = (uint32_t)number)
SPOIL(input_height, input->height = (uint32_t)number)
SPOIL(out_width, out->width = (uint32_t)number)
SPOIL(out_height, out->height = (uint32_t)number)
SPOIL(input_memory, input->memory = (int32_t)number)
SPOIL(out_memory, out->memory = (int32_t)number)
SPOIL(input_plane_null, input->data[number] = NULL)
SPOIL(out_plane_null, out->data[number] = NULL)
SPOIL(input_linesize, input->linesize[0] = number)
SPOIL(input_chroma_linesize, input->linesize[1] = number)
SPOIL(out_linesize, out->linesize[0] = number)
SPOIL(out_chroma_linesize, out->linesize[2] = number)
SPOIL(in_place, out->data[number] = input->data[number])
SPOIL(out_in_input, out->data[1] = input->data[0] + number)
SPOIL(out_in_itself, out->data[2] = out->data[1] + number)
SPOIL(crop_left, input->crop_left = (uint32_t)number)
SPOIL(crop_right, input->crop_right = (uint32_t)number)
SPOIL(crop_top, input->crop_top = (uint32_t)number)
SPOIL(crop_bottom, input->crop_bottom = (uint32_t)number)
SPOIL(crop_sum, input->crop_left = input->crop_right = (uint32_t)number)
SPOIL(out_crop_left, out->crop_left = (uint32_t)number)
SPOIL(out_crop_right, out->crop_right = (uint32_t)number)
SPOIL(out_crop_top, out->crop_top = (uint32_t)number)
SPOIL(out_crop_bottom, out->crop_bottom = (uint32_t)number)
SPOIL(matrix, input->matrix = (int32_t)number)
SPOIL(range, input->range = (int32_t)number)
SPOIL(siting, input->siting = (int32_t)number)

static const struct {
    Spoil *spoil;
    int64_t number;
    int32_t status;
    const char *said;
} cases[] = {
    {input_format, RAVE_PIX_FMT_GRAY8, RAVE_ERROR_UNSUPPORTED_FORMAT, "for which the session was made"},
    {input_format, 0, RAVE_ERROR_UNSUPPORTED_FORMAT, "input"},
    {input_format, -1, RAVE_ERROR_UNSUPPORTED_FORMAT, "input"},
    {input_format, INT32_MAX, RAVE_ERROR_UNSUPPORTED_FORMAT, "input"},
    {out_format, RAVE_PIX_FMT_GRAY8, RAVE_ERROR_UNSUPPORTED_FORMAT, "for which the session was made"},
    {out_format, 0, RAVE_ERROR_UNSUPPORTED_FORMAT, "out"},
    {out_format, INT32_MIN, RAVE_ERROR_UNSUPPORTED_FORMAT, "out"},
    {input_width, WIDTH - 2, RAVE_ERROR_UNSUPPORTED_FORMAT, "for which the session was made"},
    {input_height, HEIGHT - 2, RAVE_ERROR_UNSUPPORTED_FORMAT, "for which the session was made"},
    {input_width, 0, RAVE_ERROR_INVALID_PARAMETER, "input"},
    {input_height, 0, RAVE_ERROR_INVALID_PARAMETER, "input"},
    {input_width, 32769, RAVE_ERROR_INVALID_PARAMETER, "input"},
    {input_height, UINT32_MAX, RAVE_ERROR_INVALID_PARAMETER, "input"},
    {out_width, WIDTH - 2, RAVE_ERROR_UNSUPPORTED_FORMAT, "for which the session was made"},
    {out_height, HEIGHT - 2, RAVE_ERROR_UNSUPPORTED_FORMAT, "for which the session was made"},
    {out_width, 0, RAVE_ERROR_INVALID_PARAMETER, "out"},
    {out_height, 32769, RAVE_ERROR_INVALID_PARAMETER, "out"},
    {input_memory, RAVE_MEMORY_CUDA, RAVE_ERROR_INVALID_PARAMETER, "input: memory is 1"},
    {input_memory, 2, RAVE_ERROR_INVALID_PARAMETER, "input: memory is 2"},
    {input_memory, -1, RAVE_ERROR_INVALID_PARAMETER, "input: memory is -1"},
    {out_memory, RAVE_MEMORY_CUDA, RAVE_ERROR_INVALID_PARAMETER, "out: memory is 1"},
    {out_memory, INT32_MAX, RAVE_ERROR_INVALID_PARAMETER, "out: memory is"},
    {input_plane_null, 0, RAVE_ERROR_INVALID_PARAMETER, "input: data[0] is NULL"},
    {input_plane_null, 2, RAVE_ERROR_INVALID_PARAMETER, "input: data[2] is NULL"},
    {out_plane_null, 0, RAVE_ERROR_INVALID_PARAMETER, "out: data[0] is NULL"},
    {out_plane_null, 1, RAVE_ERROR_INVALID_PARAMETER, "out: data[1] is NULL"},
    {input_linesize, WIDTH - 1, RAVE_ERROR_INVALID_PARAMETER, "input"},
    {input_linesize, 0, RAVE_ERROR_INVALID_PARAMETER, "input"},
    {input_linesize, 1 - WIDTH, RAVE_ERROR_INVALID_PARAMETER, "input"},
    {input_linesize, INT64_MAX, RAVE_ERROR_INVALID_PARAMETER, "input: linesize[0]"},
    {input_linesize, INT64_MIN, RAVE_ERROR_INVALID_PARAMETER, "input: linesize[0]"},
    {input_linesize, INT64_MAX / (HEIGHT - 1), RAVE_ERROR_INVALID_PARAMETER, "input: linesize[0]"},
    {input_chroma_linesize, WIDTH / 2 - 1, RAVE_ERROR_INVALID_PARAMETER, "input"},
    {out_linesize, WIDTH - 1, RAVE_ERROR_INVALID_PARAMETER, "out"},
    {out_linesize, 0, RAVE_ERROR_INVALID_PARAMETER, "out"},
    {out_linesize, INT64_MIN, RAVE_ERROR_INVALID_PARAMETER, "out: linesize[0]"},
    {out_chroma_linesize, WIDTH / 2 - 1, RAVE_ERROR_INVALID_PARAMETER, "out"},
    {in_place, 0, RAVE_ERROR_INVALID_PARAMETER, "out: data[0] overlaps"},
    {in_place, 2, RAVE_ERROR_INVALID_PARAMETER, "out: data[2] overlaps"},
    {out_in_input, LUMA - 1, RAVE_ERROR_INVALID_PARAMETER, "out: data[1] overlaps"},
    {out_in_itself, 0, RAVE_ERROR_INVALID_PARAMETER, "overlaps"},
    {out_in_itself, CHROMA - 1, RAVE_ERROR_INVALID_PARAMETER, "overlaps"},
    {out_in_itself, 1 - CHROMA, RAVE_ERROR_INVALID_PARAMETER, "overlaps"},
    {crop_left, 2, RAVE_ERROR_UNSUPPORTED_FORMAT, "for which the session was made"},
    {crop_left, WIDTH, RAVE_ERROR_INVALID_PARAMETER, "crop"},
    {crop_right, UINT32_MAX, RAVE_ERROR_INVALID_PARAMETER, "crop"},
    {crop_top, HEIGHT, RAVE_ERROR_INVALID_PARAMETER, "crop"},
    {crop_bottom, HEIGHT + 1, RAVE_ERROR_INVALID_PARAMETER, "crop"},
    {crop_sum, WIDTH / 2, RAVE_ERROR_INVALID_PARAMETER, "crop"},
    {crop_sum, (int64_t)1 << 31, RAVE_ERROR_INVALID_PARAMETER, "crop"},
    {out_crop_left, 1, RAVE_ERROR_INVALID_PARAMETER, "out: crop is set"},
    {out_crop_right, 2, RAVE_ERROR_INVALID_PARAMETER, "out: crop is set"},
    {out_crop_top, UINT32_MAX, RAVE_ERROR_INVALID_PARAMETER, "out: crop is set"},
    {out_crop_bottom, 2, RAVE_ERROR_INVALID_PARAMETER, "out: crop is set"},
    {matrix, -1, RAVE_ERROR_INVALID_PARAMETER, "matrix"},
    {matrix, 18, RAVE_ERROR_INVALID_PARAMETER, "matrix"},
    {matrix, 8, RAVE_ERROR_UNSUPPORTED_FORMAT, "matrix"},
    {matrix, 14, RAVE_ERROR_UNSUPPORTED_FORMAT, "matrix"},
    {range, -1, RAVE_ERROR_INVALID_PARAMETER, "range"},
    {range, 3, RAVE_ERROR_INVALID_PARAMETER, "range"},
    {siting, -1, RAVE_ERROR_INVALID_PARAMETER, "chroma location"},
    {siting, 7, RAVE_ERROR_INVALID_PARAMETER, "chroma location"},
};

static void spoilt_frames(const char *model)
{
    static uint8_t from[BYTES], to[BYTES], expected[BYTES];
    Fixture live = fixture_open(model, RAVE_PIX_FMT_YUV420P, WIDTH, HEIGHT, NULL, NULL);
    const size_t count = sizeof cases / sizeof cases[0];
    RaveFrame input = yuv_frame(from), out = yuv_frame(expected);
    noise(from, sizeof from, 1);
    CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_OK);
    CHECK(out.matrix == 6 || out.matrix == 5);
    CHECK(out.range == 1 && out.siting == 1);
    for (size_t i = 0; i < count; i++) {
        RaveStats stats = RAVE_STATS_INIT;
        RaveFrame before;
        int known = expect_failures;
        input = yuv_frame(from);
        out = yuv_frame(to);
        cases[i].spoil(&input, &out, cases[i].number);
        before = out;
        CHECK_STATUS(rave_session_process(live.session, &input, &out), cases[i].status);
        CHECK_SAID(cases[i].said);
        CHECK(memcmp(&before, &out, sizeof out) == 0);

        /* The session goes on. */
        input = yuv_frame(from);
        out = yuv_frame(to);
        memset(to, 0, sizeof to);
        CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_OK);
        CHECK(memcmp(to, expected, sizeof to) == 0);
        CHECK_STATUS(rave_session_stats(live.session, &stats), RAVE_OK);
        CHECK(stats.failed_frames == i + 1 && stats.frames == i + 2);
        if (expect_failures != known)
            fprintf(stderr, "    in case %u, number %lld\n", (unsigned)i, (long long)cases[i].number);
    }
    fixture_close(&live);
}

/* What cannot be told apart from a frame of another version of the header is a failed frame as well. */
static void mismatched_frames_are_counted(const char *model)
{
    static uint8_t from[BYTES], to[BYTES];
    Fixture live = fixture_open(model, RAVE_PIX_FMT_YUV420P, WIDTH, HEIGHT, NULL, NULL);
    RaveFrame input = yuv_frame(from), out = yuv_frame(to);
    RaveStats stats = RAVE_STATS_INIT;
    input.struct_size = 0;
    CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_ERROR_ABI_MISMATCH);
    input = yuv_frame(from);
    out.struct_size--;
    CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_ERROR_ABI_MISMATCH);
    CHECK_STATUS(rave_session_process(live.session, NULL, &out), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_STATUS(rave_session_process(live.session, &input, NULL), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_STATUS(rave_session_stats(live.session, &stats), RAVE_OK);
    CHECK(stats.failed_frames == 4 && stats.frames == 0);
    fixture_close(&live);
}

static RaveFrame upside_down(uint8_t *pixels)
{
    RaveFrame frame = rgb_frame(pixels, WIDTH, HEIGHT);
    frame.data[0] += (HEIGHT - 1) * frame.linesize[0];
    frame.linesize[0] = -frame.linesize[0];
    return frame;
}

static int flipped(const uint8_t *a, const uint8_t *b)
{
    for (int row = 0; row < HEIGHT; row++)
        if (memcmp(a + row * 3 * WIDTH, b + (HEIGHT - 1 - row) * 3 * WIDTH, 3 * WIDTH) != 0)
            return 0;
    return 1;
}

static void frames_stored_bottom_up(const char *model)
{
    static uint8_t from[3 * LUMA], to[3 * LUMA];
    Fixture live = fixture_open(model, RAVE_PIX_FMT_RGB24, WIDTH, HEIGHT, NULL, NULL);
    RaveFrame input = upside_down(from), out = rgb_frame(to, WIDTH, HEIGHT);
    noise(from, sizeof from, 2);
    CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_OK);
    CHECK(flipped(from, to));
    input = rgb_frame(from, WIDTH, HEIGHT);
    out = upside_down(to);
    memset(to, 0, sizeof to);
    CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_OK);
    CHECK(flipped(from, to));
    input = upside_down(from);
    CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_OK);
    CHECK(memcmp(from, to, sizeof to) == 0);
    fixture_close(&live);
}

static void cropped_frames(const char *model)
{
    enum { LEFT = 5, RIGHT = 6, TOP = 3, BOTTOM = 8, WIDE = WIDTH - LEFT - RIGHT, HIGH = HEIGHT - TOP - BOTTOM };
    static uint8_t from[3 * LUMA], to[3 * WIDE * HIGH];
    Fixture live = fixture_open(model, RAVE_PIX_FMT_RGB24, WIDE, HIGH, NULL, NULL);
    RaveFrame input = rgb_frame(from, WIDTH, HEIGHT), out = rgb_frame(to, WIDE, HIGH);
    noise(from, sizeof from, 3);
    input.crop_left = LEFT;
    input.crop_right = RIGHT;
    input.crop_top = TOP;
    input.crop_bottom = BOTTOM;
    CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_OK);
    for (int row = 0; row < HIGH; row++)
        CHECK(memcmp(to + row * 3 * WIDE, from + ((row + TOP) * WIDTH + LEFT) * 3, 3 * WIDE) == 0);
    fixture_close(&live);
}

/* A repeat has the same bytes and the same colours, wherever it lies. */
static void repeated_frames(const char *model)
{
    static uint8_t a[3 * LUMA], b[3 * LUMA];
    Fixture live = fixture_open(model, RAVE_PIX_FMT_RGB24, WIDTH, HEIGHT, NULL, NULL);
    RaveFrame previous = rgb_frame(a, WIDTH, HEIGHT), next = rgb_frame(b, WIDTH, HEIGHT);
    int32_t repeat = -1;
    noise(a, sizeof a, 5);
    memcpy(b, a, sizeof b);
    CHECK_STATUS(rave_session_is_repeat(live.session, &previous, &next, &repeat), RAVE_OK);
    CHECK(repeat == 1);
    b[sizeof b - 1] ^= 1;
    CHECK_STATUS(rave_session_is_repeat(live.session, &previous, &next, &repeat), RAVE_OK);
    CHECK(repeat == 0);
    b[sizeof b - 1] ^= 1;
    next.crop_left = 2;
    CHECK_STATUS(rave_session_is_repeat(live.session, &previous, &next, &repeat), RAVE_OK);
    CHECK(repeat == 0);
    next.crop_left = 0;
    next.memory = RAVE_MEMORY_CUDA;
    repeat = -1;
    CHECK_STATUS(rave_session_is_repeat(live.session, &previous, &next, &repeat), RAVE_ERROR_INVALID_PARAMETER);
    CHECK_SAID("frame: memory is 1");
    CHECK(repeat == -1);
    fixture_close(&live);
}

/* What is submitted is finished once, in turn, and nothing else is done meanwhile. */
static void frames_in_flight(const char *model)
{
    static uint8_t from[3 * LUMA], to[3 * LUMA];
    Fixture live = fixture_open(model, RAVE_PIX_FMT_RGB24, WIDTH, HEIGHT, NULL, NULL);
    RaveFrame input = rgb_frame(from, WIDTH, HEIGHT), out = rgb_frame(to, WIDTH, HEIGHT);
    uint32_t capacity = 0;
    noise(from, sizeof from, 4);
    CHECK_STATUS(rave_session_capacity(live.session, &capacity), RAVE_OK);
    CHECK(capacity == 1);
    for (int turn = 0; turn < 2; turn++) {
        CHECK_STATUS(rave_session_finish(live.session), RAVE_ERROR_INVALID_PARAMETER);
        CHECK_SAID("no frame is in flight");
        CHECK_STATUS(rave_session_submit(live.session, &input, &out), RAVE_OK);
        CHECK_STATUS(rave_session_submit(live.session, &input, &out), RAVE_ERROR_BUSY);
        CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_ERROR_BUSY);
        CHECK_STATUS(rave_session_drain(live.session), RAVE_OK);
        CHECK_STATUS(rave_session_finish(live.session), RAVE_OK);
        CHECK(memcmp(from, to, sizeof to) == 0);
    }
    CHECK_STATUS(rave_session_process(live.session, &input, &out), RAVE_OK);
    fixture_close(&live);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    spoilt_frames(argv[1]);
    mismatched_frames_are_counted(argv[1]);
    frames_stored_bottom_up(argv[1]);
    cropped_frames(argv[1]);
    frames_in_flight(argv[1]);
    repeated_frames(argv[1]);
    return expect_result();
}
