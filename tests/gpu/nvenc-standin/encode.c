// "Encoding": the picture is copied into the bitstream buffer, row by row, without the padding.
//
// Order is as NVENC's with nvEncSetIOCudaStreams: the picture is read behind the work that the input stream has at the
// time of nvEncEncodePicture, and later work of the output stream comes behind the reading, so that a caller may write
// to the picture again on that stream. Nothing waits on the CPU before nvEncLockBitstream.
#include <stdlib.h>

#include "record.h"
#include "session.h"

static struct output *output_find(const struct session *session, const void *handle)
{
    for (struct output *output = session->outputs; output; output = output->next)
        if (output == handle)
            return output;
    return NULL;
}

static NVENCSTATUS find_output(struct session *session, const void *handle, struct output **output)
{
    *output = output_find(session, handle);
    return *output ? NV_ENC_SUCCESS
                   : session_fail(session, NV_ENC_ERR_INVALID_PARAM, "%p is not a bitstream buffer", handle);
}

static void output_remove(struct session *session, struct output *output)
{
    struct output **link = &session->outputs;
    while (*link != output)
        link = &(*link)->next;
    *link = output->next;
    session->cuda->event_destroy(output->done);
    if (output->host)
        session->cuda->host_free(output->host);
    free(output);
}

NVENCSTATUS output_create(struct session *session, NV_ENC_CREATE_BITSTREAM_BUFFER *request)
{
    struct output *const output = calloc(1, sizeof *output);
    if (!output)
        return NV_ENC_ERR_OUT_OF_MEMORY;
    const NVENCSTATUS status = session_cuda(session, "cuEventCreate",
                                            session->cuda->event_create(&output->done, CU_EVENT_DISABLE_TIMING));
    if (status != NV_ENC_SUCCESS) {
        free(output);
        return status;
    }
    output->next = session->outputs;
    session->outputs = output;
    request->bitstreamBuffer = output;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS output_destroy(struct session *session, const void *handle)
{
    struct output *output;
    NVENCSTATUS status = find_output(session, handle, &output);
    if (status == NV_ENC_SUCCESS)
        status = session_cuda(session, "cuEventSynchronize", session->cuda->event_synchronize(output->done));
    if (status == NV_ENC_SUCCESS)
        output_remove(session, output);
    return status;
}

NVENCSTATUS output_lock(struct session *session, NV_ENC_LOCK_BITSTREAM *request)
{
    struct output *output;
    NVENCSTATUS status = find_output(session, request->outputBitstream, &output);
    if (status != NV_ENC_SUCCESS)
        return status;
    if (output->state != OUTPUT_FILLED)
        return session_fail(session, NV_ENC_ERR_INVALID_CALL, "the bitstream buffer %s",
                            output->state == OUTPUT_FREE ? "holds no picture" : "is locked already");
    if (request->doNotWait && session->cuda->event_query(output->done) == CUDA_ERROR_NOT_READY)
        return NV_ENC_ERR_LOCK_BUSY;
    status = session_cuda(session, "cuEventSynchronize", session->cuda->event_synchronize(output->done));
    if (status != NV_ENC_SUCCESS)
        return status;
    output->state = OUTPUT_LOCKED;
    request->frameIdx = output->frame;
    request->frameIdxDisplay = output->frame;
    request->hwEncodeStatus = 2; // encoding is completed
    request->numSlices = 1;
    request->bitstreamSizeInBytes = (uint32_t)output->bytes;
    request->outputTimeStamp = output->timestamp;
    request->outputDuration = output->duration;
    request->bitstreamBufferPtr = output->host;
    request->pictureType = output->type;
    request->pictureStruct = output->structure;
    request->frameAvgQP = 1; // lossless; FFmpeg subtracts 1
    return NV_ENC_SUCCESS;
}

NVENCSTATUS output_unlock(struct session *session, const void *handle)
{
    struct output *output;
    const NVENCSTATUS status = find_output(session, handle, &output);
    if (status != NV_ENC_SUCCESS)
        return status;
    if (output->state != OUTPUT_LOCKED)
        return session_fail(session, NV_ENC_ERR_INVALID_CALL, "the bitstream buffer is not locked");
    output->state = OUTPUT_FREE;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS make_room(struct session *session, struct output *output, size_t bytes)
{
    if (bytes <= output->capacity)
        return NV_ENC_SUCCESS;
    void *host = NULL;
    const NVENCSTATUS status =
        session_cuda(session, "cuMemHostAlloc", session->cuda->host_alloc(&host, bytes, 0));
    if (status != NV_ENC_SUCCESS)
        return status;
    if (output->host)
        session->cuda->host_free(output->host);
    output->host = host;
    output->capacity = bytes;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS copy_planes(struct session *session, const struct input *input, const struct layout *layout,
                               uint8_t *target)
{
    for (unsigned i = 0; i < layout->count; i++) {
        const struct plane *const plane = &layout->planes[i];
        const CUDA_MEMCPY2D copy = {
            .srcMemoryType = input->device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST,
            .srcDevice = input->device ? input->device + plane->offset : 0,
            .srcHost = input->host ? input->host + plane->offset : NULL,
            .srcPitch = plane->pitch,
            .dstMemoryType = CU_MEMORYTYPE_HOST,
            .dstHost = target,
            .dstPitch = plane->row_bytes,
            .WidthInBytes = plane->row_bytes,
            .Height = plane->rows,
        };
        const NVENCSTATUS status =
            session_cuda(session, "cuMemcpy2DAsync", session->cuda->copy_2d(&copy, session->own));
        if (status != NV_ENC_SUCCESS)
            return status;
        target += plane->row_bytes * plane->rows;
    }
    return NV_ENC_SUCCESS;
}

// Queues the copies between the input stream's work so far and the output stream's work to come.
static NVENCSTATUS submit(struct session *session, const struct input *input, const struct layout *layout,
                          const struct output *output)
{
    const struct cuda *const cuda = session->cuda;
    NVENCSTATUS status =
        session_cuda(session, "cuEventRecord", cuda->event_record(session->arrived, session->in));
    if (status == NV_ENC_SUCCESS)
        status = session_cuda(session, "cuStreamWaitEvent",
                              cuda->stream_wait(session->own, session->arrived, CU_EVENT_WAIT_DEFAULT));
    if (status == NV_ENC_SUCCESS)
        status = copy_planes(session, input, layout, output->host);
    if (status == NV_ENC_SUCCESS)
        status = session_cuda(session, "cuEventRecord", cuda->event_record(output->done, session->own));
    if (status == NV_ENC_SUCCESS && input->read)
        status = session_cuda(session, "cuEventRecord", cuda->event_record(input->read, session->own));
    if (status == NV_ENC_SUCCESS)
        status = session_cuda(session, "cuStreamWaitEvent",
                              cuda->stream_wait(session->out, output->done, CU_EVENT_WAIT_DEFAULT));
    return status;
}

// The type of the next picture: an IDR picture opens each group, the others are P pictures.
static NV_ENC_PIC_TYPE next_type(struct session *session, uint32_t flags)
{
    const bool idr =
        session->frames == 0 || (flags & NV_ENC_PIC_FLAG_FORCEIDR) ||
        (session->gop != NVENC_INFINITE_GOPLENGTH && session->since_idr >= session->gop);
    session->since_idr = idr ? 1 : session->since_idr + 1;
    session->frames++;
    if (idr)
        return NV_ENC_PIC_TYPE_IDR;
    return flags & NV_ENC_PIC_FLAG_FORCEINTRA ? NV_ENC_PIC_TYPE_I : NV_ENC_PIC_TYPE_P;
}

NVENCSTATUS encode(struct session *session, const NV_ENC_PIC_PARAMS *picture)
{
    if (!session->initialized)
        return session_fail(session, NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "nvEncInitializeEncoder has not been called");
    if (picture->encodePicFlags & NV_ENC_PIC_FLAG_EOS)
        return NV_ENC_SUCCESS; // nothing is held back
    const struct input *const input = input_find(session, picture->inputBuffer);
    if (!input)
        return session_fail(session, NV_ENC_ERR_INVALID_PARAM, "%p is no input", picture->inputBuffer);
    if (input->device && !input->mapped)
        return session_fail(session, NV_ENC_ERR_RESOURCE_NOT_MAPPED, "0x%llx is not mapped", input->device);
    if (input->locked)
        return session_fail(session, NV_ENC_ERR_INVALID_CALL, "the input buffer is still locked");
    struct output *output;
    NVENCSTATUS status = find_output(session, picture->outputBitstream, &output);
    if (status != NV_ENC_SUCCESS)
        return status;
    if (output->state != OUTPUT_FREE)
        return session_fail(session, NV_ENC_ERR_INVALID_CALL, "the bitstream buffer holds a picture that was not read");
    if (picture->bufferFmt != input->format)
        return session_fail(session, NV_ENC_ERR_INVALID_PARAM, "format 0x%08x of a buffer of format 0x%08x",
                            (unsigned)picture->bufferFmt, (unsigned)input->format);
    if (input->width < session->width || input->height < session->height)
        return session_fail(session, NV_ENC_ERR_INVALID_PARAM, "a buffer of %ux%u for pictures of %ux%u", input->width,
                            input->height, session->width, session->height);
    struct layout layout;
    if (!layout_of(input->format, input->pitch, input->height, session->width, session->height, &layout))
        return NV_ENC_ERR_UNSUPPORTED_PARAM;
    status = make_room(session, output, layout.bytes);
    if (status == NV_ENC_SUCCESS)
        status = submit(session, input, &layout, output);
    if (status != NV_ENC_SUCCESS)
        return status;
    record("{\"event\":\"encode\",\"session\":%u,\"frame\":%u,\"ptr\":\"0x%llx\",\"stream\":\"%p\",\"pts\":%lld}",
           session->number, session->frames, input->device, (void *)session->in, (long long)picture->inputTimeStamp);
    output->frame = session->frames;
    output->type = next_type(session, picture->encodePicFlags);
    output->bytes = layout.bytes;
    output->timestamp = picture->inputTimeStamp;
    output->duration = picture->inputDuration;
    output->structure = picture->pictureStruct;
    output->state = OUTPUT_FILLED;
    return NV_ENC_SUCCESS;
}

void outputs_release(struct session *session)
{
    while (session->outputs)
        output_remove(session, session->outputs);
}
