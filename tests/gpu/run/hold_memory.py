"""Takes a GPU's memory but for some MiB and keeps it until standard input ends: hold_memory.py MIB_LEFT"""

import ctypes
import sys

MIB = 1 << 20


def main(left):
    cuda = ctypes.CDLL("libcuda.so.1")

    def call(name, *arguments):
        if (code := getattr(cuda, name)(*arguments)) != 0:
            sys.exit(f"{name} gave CUDA error {code}")

    device, context = ctypes.c_int(), ctypes.c_void_p()
    free, total, address = ctypes.c_size_t(), ctypes.c_size_t(), ctypes.c_uint64()
    call("cuInit", 0)
    call("cuDeviceGet", ctypes.byref(device), 0)
    call("cuCtxCreate_v2", ctypes.byref(context), 0, device)
    # In shrinking pieces, as memory may lie in several parts.
    piece = 1 << 36
    while piece >= 2 * MIB:
        call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        room = free.value - left * MIB
        if room < piece or cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(piece)) != 0:
            piece //= 2
    call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
    print(free.value // MIB, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
