// The part of the CUDA driver's interface that `gpu_kernels::cuda` uses, with the emulator as the
// card. Under the name libcuda.so this library lets a test program make every call to the driver on
// a machine without one.
//
// Copies are as late as a driver may be: those to the card wait until a kernel needs them, those
// from the card until the host waits. This shows a host that reads too early, or that overwrites
// words before they are copied.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "cuda.h"

extern "C" int emulator_launch(const char* name, const unsigned* grid, const unsigned* block, size_t shared_bytes,
                               void** arguments, unsigned long long schedule, char* reason, size_t reason_bytes);

namespace {

enum Result { SUCCESS = 0, INVALID_VALUE = 1, INVALID_IMAGE = 200, NOT_FOUND = 500, LAUNCH_FAILED = 719 };

constexpr int CAPABILITY_MAJOR = 75;
constexpr int CAPABILITY_MINOR = 76;
constexpr int MAX_DYNAMIC_SHARED = 8;

// Shared memory that a block may have by default, and at most, static and dynamic together.
constexpr size_t SHARED_BYTES = 48 * 1024;
constexpr size_t MOST_SHARED_BYTES = 227 * 1024;

struct Function {
    std::string name;
    size_t shared_bytes;
};

struct Stream {
    std::vector<std::function<void()>> queued;
    int failure;
};

std::mutex card;
int context;
thread_local void* current;

void do_queued(Stream* stream)
{
    for (const auto& work : stream->queued) {
        work();
    }
    stream->queued.clear();
}

}

extern "C" {

int cuInit(unsigned) { return SUCCESS; }

int cuDeviceGetCount(int* count)
{
    *count = 1;
    return SUCCESS;
}

int cuDeviceGet(int* device, int ordinal)
{
    *device = ordinal;
    return ordinal == 0 ? SUCCESS : INVALID_VALUE;
}

int cuDeviceGetName(char* name, int length, int)
{
    strncpy(name, "emulated card", static_cast<size_t>(length));
    return SUCCESS;
}

int cuDeviceGetAttribute(int* value, int attribute, int)
{
    *value = attribute == CAPABILITY_MAJOR ? 9 : attribute == CAPABILITY_MINOR ? 0 : 1;
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(void** handle, int)
{
    *handle = &context;
    return SUCCESS;
}

int cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }

int cuCtxSetCurrent(void* handle)
{
    current = handle;
    return SUCCESS;
}

int cuCtxGetCurrent(void** handle)
{
    *handle = current;
    return SUCCESS;
}

int cuCtxSetFlags(unsigned) { return SUCCESS; }

int cuCtxSynchronize() { return SUCCESS; }

int cuModuleLoadData(void** module, const void* image)
{
    *module = &context;
    return memcmp(image, "\x7f" "ELF", 4) == 0 ? SUCCESS : INVALID_IMAGE;
}

int cuModuleUnload(void*) { return SUCCESS; }

// Functions live as long as the process.
int cuModuleGetFunction(void** function, void*, const char* name)
{
    *function = new Function{name, SHARED_BYTES};
    return SUCCESS;
}

int cuFuncSetAttribute(void* function, int attribute, int value)
{
    if (attribute != MAX_DYNAMIC_SHARED || value < 0 || static_cast<size_t>(value) > MOST_SHARED_BYTES) {
        return INVALID_VALUE;
    }
    static_cast<Function*>(function)->shared_bytes = static_cast<size_t>(value);
    return SUCCESS;
}

int cuStreamCreate(void** stream, unsigned)
{
    *stream = new Stream{{}, SUCCESS};
    return SUCCESS;
}

int cuStreamDestroy_v2(void* stream)
{
    delete static_cast<Stream*>(stream);
    return SUCCESS;
}

int cuStreamSynchronize(void* handle)
{
    const std::lock_guard<std::mutex> held(card);
    Stream* const stream = static_cast<Stream*>(handle);
    do_queued(stream);
    const int failure = stream->failure;
    stream->failure = SUCCESS;
    return failure;
}

// New memory of the card holds arbitrary words.
int cuMemAlloc_v2(unsigned long long* address, size_t bytes)
{
    void* const memory = malloc(bytes);
    memset(memory, 0xc3, bytes);
    *address = reinterpret_cast<unsigned long long>(memory);
    return SUCCESS;
}

int cuMemFree_v2(unsigned long long address)
{
    free(reinterpret_cast<void*>(address));
    return SUCCESS;
}

int cuMemHostAlloc(void** memory, size_t bytes, unsigned)
{
    *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    return SUCCESS;
}

int cuMemFreeHost(void* memory)
{
    free(memory);
    return SUCCESS;
}

int cuMemcpyHtoDAsync_v2(unsigned long long to, const void* from, size_t bytes, void* stream)
{
    const auto copy = [=] { memcpy(reinterpret_cast<void*>(to), from, bytes); };
    static_cast<Stream*>(stream)->queued.push_back(copy);
    return SUCCESS;
}

int cuMemcpyDtoHAsync_v2(void* to, unsigned long long from, size_t bytes, void* stream)
{
    const auto copy = [=] { memcpy(to, reinterpret_cast<const void*>(from), bytes); };
    static_cast<Stream*>(stream)->queued.push_back(copy);
    return SUCCESS;
}

int cuMemsetD8Async(unsigned long long to, unsigned char value, size_t bytes, void* stream)
{
    const auto fill = [=] { memset(reinterpret_cast<void*>(to), value, bytes); };
    static_cast<Stream*>(stream)->queued.push_back(fill);
    return SUCCESS;
}

int cuLaunchKernel(void* handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared_bytes, void* stream_handle, void** arguments, void**)
{
    const std::lock_guard<std::mutex> held(card);
    const Function* const function = static_cast<Function*>(handle);
    Stream* const stream = static_cast<Stream*>(stream_handle);
    if (shared_bytes > function->shared_bytes) {
        return INVALID_VALUE;
    }
    do_queued(stream);
    const unsigned grid[3] = {grid_x, grid_y, grid_z};
    const unsigned block[3] = {block_x, block_y, block_z};
    char reason[512];
    const int outcome = emulator_launch(function->name.c_str(), grid, block, shared_bytes, arguments, 0, reason, sizeof reason);
    if (outcome == 2) {
        stream->failure = LAUNCH_FAILED;
    }
    return outcome == 1 ? NOT_FOUND : SUCCESS;
}

}
