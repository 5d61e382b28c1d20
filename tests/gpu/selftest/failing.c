// Calls of the driver, and what each returned.
#include <signal.h>
#include <stdio.h>

#include <ffnvcodec/dynlink_cuda.h>

CUresult cuMemAlloc_v2(CUdeviceptr *at, size_t n);
CUresult cuMemFree_v2(CUdeviceptr at);
CUresult cuStreamSynchronize(CUstream s);
CUresult cuStreamQuery(CUstream s);

int main(int arguments, char **argument)
{
    CUdeviceptr one = 0, two = 0;
    const CUresult first = cuMemAlloc_v2(&one, 64);
    const CUresult second = cuStreamSynchronize(NULL);
    const CUresult third = cuMemFree_v2(one);
    const CUresult fourth = cuStreamQuery(NULL);
    const CUresult fifth = cuMemAlloc_v2(&two, 64);
    const CUresult sixth = cuStreamSynchronize(NULL);

    printf("%d %d %d %d %d %d\n", (int)first, (int)second, (int)third, (int)fourth, (int)fifth, (int)sixth);
    if (arguments > 1 && argument[1][0] == 'c')
        raise(SIGSEGV);
    return 0;
}
