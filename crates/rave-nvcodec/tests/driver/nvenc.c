/* A stand-in for libnvidia-encode.so.1, for tests without a GPU: answers as script.h says, counts sessions, fails at the
 * call that a test names, and aborts on a call that breaks the interface's rules. Not NVIDIA's library, and of its
 * interface only the questions: it encodes nothing. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, UNSUPPORTED_PARAM = 12, INVALID_VERSION = 15 };
enum { QUESTIONS = 64, REFUSED = INT32_MIN };

typedef struct {
    uint32_t data1;
    uint16_t data2, data3;
    uint8_t data4[8];
} Guid;

struct caps_param {
    uint32_t version, question, reserved[62];
};

struct open_params {
    uint32_t version, device_type;
    void *device, *reserved;
    uint32_t api, reserved1[253];
    void *reserved2[64];
};

typedef void function(void);

struct functions {
    uint32_t version, reserved;
    function *entries[318];
};

struct codec {
    Guid guid;
    uint32_t profile_count;
    Guid profiles[8];
    int32_t answers[QUESTIONS];
};

/* NEWEST: major << 4 | minor of the newest interface. OPEN_STATUS: what opening a session gives, and LEAVES_HANDLE
 * whether a failed opening leaves something to destroy. INCOMPLETE: leave out a function. CODECS: what is encoded. */
#include "script.h"

static const struct codec codecs[] = {CODECS};
enum { CODEC_COUNT = sizeof(codecs) / sizeof(*codecs) };

static uint32_t spoken, calls, failing_call, failure;
static int sessions, session;

/* Every function but that which destroys asks this first. */
static int fails(void)
{
    return ++calls == failing_call;
}

static void want(int condition)
{
    if (!condition)
        abort();
}

static int all_zero(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)bytes)[i])
            return 0;
    return 1;
}

static uint32_t version(uint32_t revision)
{
    return spoken | revision << 16 | 7u << 28;
}

static const struct codec *find(Guid guid)
{
    for (size_t i = 0; i < CODEC_COUNT; i++)
        if (!memcmp(&codecs[i].guid, &guid, sizeof(guid)))
            return &codecs[i];
    abort();
}

static uint32_t open_session(struct open_params *params, void **handle)
{
    want(params->version == version(1) && params->api == spoken && params->device_type == 1 && params->device);
    want(!params->reserved && all_zero(params->reserved1, sizeof(params->reserved1)));
    want(all_zero(params->reserved2, sizeof(params->reserved2)));
    uint32_t status = fails() ? failure : OPEN_STATUS;
    if (!status || LEAVES_HANDLE) {
        sessions++;
        *handle = &session;
    }
    return status;
}

static uint32_t destroy(void *handle)
{
    want(handle == &session && sessions > 0);
    sessions--;
    return SUCCESS;
}

static uint32_t codec_count(void *handle, uint32_t *count)
{
    want(handle == &session && sessions > 0);
    if (fails())
        return failure;
    *count = CODEC_COUNT;
    return SUCCESS;
}

static uint32_t list_codecs(void *handle, Guid *guids, uint32_t room, uint32_t *count)
{
    want(handle == &session && sessions > 0 && room == CODEC_COUNT);
    if (fails())
        return failure;
    for (size_t i = 0; i < CODEC_COUNT; i++)
        guids[i] = codecs[i].guid;
    *count = CODEC_COUNT;
    return SUCCESS;
}

static uint32_t profile_count(void *handle, Guid codec, uint32_t *count)
{
    want(handle == &session && sessions > 0);
    if (fails())
        return failure;
    *count = find(codec)->profile_count;
    return SUCCESS;
}

static uint32_t list_profiles(void *handle, Guid codec, Guid *guids, uint32_t room, uint32_t *count)
{
    want(handle == &session && sessions > 0 && room == find(codec)->profile_count);
    if (fails())
        return failure;
    memcpy(guids, find(codec)->profiles, room * sizeof(*guids));
    *count = room;
    return SUCCESS;
}

static uint32_t answer(void *handle, Guid codec, struct caps_param *param, int *value)
{
    want(handle == &session && sessions > 0 && param->version == version(1) && param->question < QUESTIONS);
    want(all_zero(param->reserved, sizeof(param->reserved)));
    if (fails())
        return failure;
    int32_t found = find(codec)->answers[param->question];
    if (found == REFUSED)
        return UNSUPPORTED_PARAM;
    *value = found;
    return SUCCESS;
}

static const char *last_error(void *handle)
{
    want(handle == &session && sessions > 0);
    return "the stand-in was told to fail";
}

uint32_t NvEncodeAPIGetMaxSupportedVersion(uint32_t *newest);
uint32_t NvEncodeAPICreateInstance(struct functions *list);
void stand_in_fail(uint32_t call, uint32_t status);
int stand_in_sessions(void);
uint32_t stand_in_calls(void);
uint32_t stand_in_spoken(void);

uint32_t NvEncodeAPIGetMaxSupportedVersion(uint32_t *newest)
{
    if (fails())
        return failure;
    *newest = NEWEST;
    return SUCCESS;
}

uint32_t NvEncodeAPICreateInstance(struct functions *list)
{
    want(!list->reserved && all_zero(list->entries, sizeof(list->entries)));
    if (fails())
        return failure;
    spoken = list->version & 0xff0000ff;
    spoken &= ~(7u << 28);
    if (list->version != version(2) || ((spoken & 0xff) << 4 | spoken >> 24) > NEWEST)
        return INVALID_VERSION;
    list->entries[1] = (function *)codec_count;
    list->entries[2] = (function *)profile_count;
    list->entries[3] = (function *)list_profiles;
    list->entries[4] = (function *)list_codecs;
    list->entries[7] = INCOMPLETE ? NULL : (function *)answer;
    list->entries[27] = (function *)destroy;
    list->entries[29] = (function *)open_session;
    list->entries[37] = (function *)last_error;
    return SUCCESS;
}

/* For the tests: has the call with this number fail, counted from 1 from now on. */
void stand_in_fail(uint32_t call, uint32_t status)
{
    calls = 0;
    failing_call = call;
    failure = status;
}

/* For the tests: sessions that are open, calls so far, and the interface that was agreed on. */
int stand_in_sessions(void)
{
    return sessions;
}

uint32_t stand_in_calls(void)
{
    return calls;
}

uint32_t stand_in_spoken(void)
{
    return spoken;
}
