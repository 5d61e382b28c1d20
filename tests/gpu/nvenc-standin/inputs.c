// What is encoded: registered CUDA buffers, and buffers that the session makes in host memory.
#include <stdlib.h>

#include "record.h"
#include "session.h"

enum { HOST_PITCH = 256 }; // a row starts at a multiple of it

struct input *input_find(const struct session *session, const void *handle)
{
    for (struct input *input = session->inputs; input; input = input->next)
        if (input == handle)
            return input;
    return NULL;
}

static struct input *input_add(struct session *session, const struct input *contents)
{
    struct input *const input = malloc(sizeof *input);
    if (input) {
        *input = *contents;
        input->next = session->inputs;
        session->inputs = input;
    }
    return input;
}

static void input_remove(struct session *session, struct input *input)
{
    struct input **link = &session->inputs;
    while (*link != input)
        link = &(*link)->next;
    *link = input->next;
    if (input->read)
        session->cuda->event_destroy(input->read);
    if (input->host)
        session->cuda->host_free(input->host);
    free(input);
}

static NVENCSTATUS refuse_format(struct session *session, NV_ENC_BUFFER_FORMAT format)
{
    return session_fail(session, NV_ENC_ERR_UNSUPPORTED_PARAM, "buffer format 0x%08x is not taken", (unsigned)format);
}

NVENCSTATUS input_register(struct session *session, NV_ENC_REGISTER_RESOURCE *request)
{
    if (request->resourceType != NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR ||
        request->bufferUsage != NV_ENC_INPUT_IMAGE)
        return session_fail(session, NV_ENC_ERR_UNSUPPORTED_PARAM,
                            "a resource of type %d and usage %d: only CUDA device pointers of pictures are taken",
                            (int)request->resourceType, (int)request->bufferUsage);
    if (!layout_row_bytes(request->bufferFormat, request->width))
        return refuse_format(session, request->bufferFormat);
    if (!request->resourceToRegister || request->pitch % 4 ||
        request->pitch < layout_row_bytes(request->bufferFormat, request->width))
        return session_fail(session, NV_ENC_ERR_RESOURCE_REGISTER_FAILED,
                            "%p with pitch %u for rows of %zu bytes: a pitch is a multiple of 4 and holds a row",
                            request->resourceToRegister, request->pitch,
                            layout_row_bytes(request->bufferFormat, request->width));
    struct input *const input = input_add(session, &(struct input){
        .format = request->bufferFormat,
        .width = request->width,
        .height = request->height,
        .pitch = request->pitch,
        .device = (CUdeviceptr)(uintptr_t)request->resourceToRegister,
    });
    if (!input)
        return NV_ENC_ERR_OUT_OF_MEMORY;
    session->registered++;
    if (session->registered > session->registered_most)
        session->registered_most = session->registered;
    record("{\"event\":\"register\",\"session\":%u,\"ptr\":\"0x%llx\",\"pitch\":%u,\"width\":%u,\"height\":%u,"
           "\"format\":\"0x%08x\",\"registered\":%u}",
           session->number, input->device, input->pitch, input->width, input->height, (unsigned)input->format,
           session->registered);
    request->registeredResource = input;
    return NV_ENC_SUCCESS;
}

// A registered resource by its handle, which is also the handle of the mapped one.
static NVENCSTATUS find_registered(struct session *session, const void *handle, struct input **input)
{
    *input = input_find(session, handle);
    if (*input && (*input)->device)
        return NV_ENC_SUCCESS;
    return session_fail(session, NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "%p is not a registered resource", handle);
}

NVENCSTATUS input_unregister(struct session *session, const void *handle)
{
    struct input *input;
    const NVENCSTATUS status = find_registered(session, handle, &input);
    if (status != NV_ENC_SUCCESS)
        return status;
    if (input->mapped)
        return session_fail(session, NV_ENC_ERR_INVALID_CALL, "0x%llx is unregistered while it is mapped",
                            input->device);
    session->registered--;
    record("{\"event\":\"unregister\",\"session\":%u,\"ptr\":\"0x%llx\",\"registered\":%u}", session->number,
           input->device, session->registered);
    input_remove(session, input);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS input_map(struct session *session, NV_ENC_MAP_INPUT_RESOURCE *request)
{
    struct input *input;
    const NVENCSTATUS status = find_registered(session, request->registeredResource, &input);
    if (status != NV_ENC_SUCCESS)
        return status;
    input->mapped++;
    record("{\"event\":\"map\",\"session\":%u,\"ptr\":\"0x%llx\"}", session->number, input->device);
    request->mappedResource = input;
    request->mappedBufferFmt = input->format;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS input_unmap(struct session *session, const void *handle)
{
    struct input *input;
    const NVENCSTATUS status = find_registered(session, handle, &input);
    if (status != NV_ENC_SUCCESS)
        return status;
    if (!input->mapped)
        return session_fail(session, NV_ENC_ERR_RESOURCE_NOT_MAPPED, "0x%llx is not mapped", input->device);
    input->mapped--;
    record("{\"event\":\"unmap\",\"session\":%u,\"ptr\":\"0x%llx\"}", session->number, input->device);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS input_create(struct session *session, NV_ENC_CREATE_INPUT_BUFFER *request)
{
    const struct cuda *const cuda = session->cuda;
    const size_t row = layout_row_bytes(request->bufferFmt, request->width);
    if (!row)
        return refuse_format(session, request->bufferFmt);
    struct input input = {
        .format = request->bufferFmt,
        .width = request->width,
        .height = request->height,
        // One step more than is needed, so that no row ends where the next one starts.
        .pitch = (uint32_t)((row / HOST_PITCH + 1) * HOST_PITCH),
    };
    void *host = NULL;
    const size_t bytes = layout_buffer_bytes(input.format, input.pitch, input.height);
    NVENCSTATUS status = session_cuda(session, "cuMemHostAlloc", cuda->host_alloc(&host, bytes, 0));
    if (status == NV_ENC_SUCCESS) {
        input.host = host;
        status = session_cuda(session, "cuEventCreate", cuda->event_create(&input.read, CU_EVENT_DISABLE_TIMING));
    }
    if (status == NV_ENC_SUCCESS) {
        request->inputBuffer = input_add(session, &input);
        if (request->inputBuffer)
            return NV_ENC_SUCCESS;
        status = NV_ENC_ERR_OUT_OF_MEMORY;
    }
    if (input.read)
        cuda->event_destroy(input.read);
    if (input.host)
        cuda->host_free(input.host);
    return status;
}

static NVENCSTATUS find_created(struct session *session, const void *handle, struct input **input)
{
    *input = input_find(session, handle);
    if (*input && (*input)->host)
        return NV_ENC_SUCCESS;
    return session_fail(session, NV_ENC_ERR_INVALID_PARAM, "%p is not an input buffer", handle);
}

// Waits until no copy reads the buffer.
static NVENCSTATUS wait_until_read(struct session *session, const struct input *input)
{
    return session_cuda(session, "cuEventSynchronize", session->cuda->event_synchronize(input->read));
}

NVENCSTATUS input_destroy(struct session *session, const void *handle)
{
    struct input *input;
    NVENCSTATUS status = find_created(session, handle, &input);
    if (status == NV_ENC_SUCCESS)
        status = wait_until_read(session, input);
    if (status == NV_ENC_SUCCESS)
        input_remove(session, input);
    return status;
}

NVENCSTATUS input_lock(struct session *session, NV_ENC_LOCK_INPUT_BUFFER *request)
{
    struct input *input;
    NVENCSTATUS status = find_created(session, request->inputBuffer, &input);
    if (status != NV_ENC_SUCCESS)
        return status;
    if (input->locked)
        return session_fail(session, NV_ENC_ERR_INVALID_CALL, "the input buffer is locked already");
    if (request->doNotWait && session->cuda->event_query(input->read) == CUDA_ERROR_NOT_READY)
        return NV_ENC_ERR_ENCODER_BUSY;
    status = wait_until_read(session, input);
    if (status != NV_ENC_SUCCESS)
        return status;
    input->locked = true;
    request->bufferDataPtr = input->host;
    request->pitch = input->pitch;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS input_unlock(struct session *session, const void *handle)
{
    struct input *input;
    const NVENCSTATUS status = find_created(session, handle, &input);
    if (status != NV_ENC_SUCCESS)
        return status;
    if (!input->locked)
        return session_fail(session, NV_ENC_ERR_INVALID_CALL, "the input buffer is not locked");
    input->locked = false;
    return NV_ENC_SUCCESS;
}

void inputs_release(struct session *session)
{
    while (session->inputs)
        input_remove(session, session->inputs);
}
