"""The GPU and the machine around it, as the report names them."""

import ctypes
import os
import platform
import re

from process import run


class Gpu:
    """The first CUDA device, asked through the driver itself."""

    def __init__(self, name, capability, cuda, driver):
        self.name = name
        self.capability = capability
        self.cuda = cuda
        self.driver = driver


def find_gpu():
    """The first GPU; without one, a line of text that says why."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return str(error)
    if (code := cuda.cuInit(0)) != 0:
        return f"cuInit gave CUDA error {code}"
    count, device, version, name = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)
    cuda.cuDeviceGetCount(ctypes.byref(count))
    if count.value == 0 or cuda.cuDeviceGet(ctypes.byref(device), 0) != 0:
        return "the driver has no device"
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDriverGetVersion(ctypes.byref(version))
    # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of cuda.h.
    numbers = []
    for attribute in (75, 76):
        number = ctypes.c_int()
        cuda.cuDeviceGetAttribute(ctypes.byref(number), attribute, device)
        numbers.append(number.value)
    return Gpu(name.value.decode(), "{}.{}".format(*numbers),
               f"{version.value // 1000}.{version.value % 1000 // 10}", driver_version())


def driver_version():
    """The kernel driver's version."""
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as file:
            found = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", file.readline())
            if found:
                return found[1]
    except OSError:
        pass
    return smi("driver_version")


def smi(query):
    """One value of nvidia-smi; None where it is not there."""
    try:
        answer = run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits", "-i", "0"], 20)
    except OSError:
        return None
    return answer.text().strip() if answer.status == 0 else None


def describe(gpu):
    """The machine, for the report."""
    cpu = None
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            cpu = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), None)
    except OSError:
        pass
    facts = {"cpu": cpu, "cpus": os.cpu_count(), "kernel": platform.release(), "libc": " ".join(platform.libc_ver()),
             "python": platform.python_version()}
    if isinstance(gpu, Gpu):
        facts |= {"gpu": gpu.name, "compute_capability": gpu.capability, "cuda": gpu.cuda, "driver": gpu.driver,
                  "memory_mib": smi("memory.total"), "clocks_mhz_sm_memory": smi("clocks.sm,clocks.mem"),
                  "temperature": smi("temperature.gpu")}
    return facts
