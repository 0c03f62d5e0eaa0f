#include "scheduler.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fiber.h"

namespace emulator {

const Place* place = nullptr;

namespace {

constexpr unsigned WARP = 32;
constexpr unsigned MOST_THREADS = 1024;

enum class State { ready, at_barrier, at_exchange, done };

struct Thread {
    Place place;
    Fiber fiber;
    State state;
    const char* file;
    int line;
    int predicate;
    unsigned long long value;
    unsigned barriers;
    unsigned exchanges;
};

std::vector<Thread> threads;
unsigned present;
Thread* running;
void (*kernel)(void*);
void* kernel_argument;
void* shared;
char error[512];

// The tags of a barrier for the race detector. There are two, used in turn, because a thread that
// leaves a barrier late must not be ordered after the later work of one that left early.
char block_start, block_end, barrier_tags[2], exchange_tags[MOST_THREADS / WARP][2];

unsigned position(const Thread* thread)
{
    return static_cast<unsigned>(thread - threads.data());
}

void run_thread()
{
    for (;;) {
        race_acquire(&block_start);
        kernel(kernel_argument);
        race_release(&block_end);
        running->state = State::done;
        leave(running->fiber);
    }
}

void wait(State state, char* tag, const char* file, int line)
{
    Thread* const self = running;
    self->state = state;
    self->file = file;
    self->line = line;
    race_release(tag);
    leave(self->fiber);
    race_acquire(tag);
}

uint64_t next_random(uint64_t& state)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void arrange(std::vector<unsigned>& order, uint64_t schedule, uint64_t& random)
{
    if (schedule == 1) {
        std::reverse(order.begin(), order.end());
    } else if (schedule > 1) {
        for (size_t i = order.size() - 1; i > 0; --i) {
            std::swap(order[i], order[next_random(random) % (i + 1)]);
        }
    }
}

void set_places(const Launch& launch, Index block)
{
    for (unsigned i = 0; i < present; ++i) {
        const Index index = {i % launch.block.x, i / launch.block.x % launch.block.y, i / launch.block.x / launch.block.y};
        threads[i].place = {index, block, launch.block, launch.grid};
        threads[i].state = State::ready;
        threads[i].barriers = threads[i].exchanges = 0;
    }
}

// Continues each warp whose threads all wait for an exchange.
bool release_warps()
{
    bool released = false;
    for (unsigned first = 0; first < present; first += WARP) {
        Thread* const begin = &threads[first];
        if (std::all_of(begin, begin + WARP, [](const Thread& t) { return t.state == State::at_exchange; })) {
            std::for_each(begin, begin + WARP, [](Thread& t) { t.state = State::ready; });
            released = true;
        }
    }
    return released;
}

// Continues the block when every thread waits at the same barrier.
bool release_block()
{
    Thread* const begin = threads.data();
    Thread* const end = begin + present;
    if (!std::all_of(begin, end, [](const Thread& t) { return t.state == State::at_barrier; })) {
        return false;
    }
    int any = 0;
    for (Thread* thread = begin; thread != end; ++thread) {
        if (thread->line != begin->line || strcmp(thread->file, begin->file) != 0) {
            snprintf(error, sizeof error, "threads of a block wait at different barriers: 0 at %s:%d, %u at %s:%d",
                     begin->file, begin->line, position(thread), thread->file, thread->line);
            return false;
        }
        any |= thread->predicate;
    }
    for (Thread* thread = begin; thread != end; ++thread) {
        thread->predicate = any;
        thread->state = State::ready;
    }
    return true;
}

void describe_deadlock()
{
    const Thread* waiting = nullptr;
    unsigned done = 0;
    for (unsigned i = 0; i < present; ++i) {
        if (threads[i].state == State::done) {
            ++done;
        } else if (waiting == nullptr) {
            waiting = &threads[i];
        }
    }
    snprintf(error, sizeof error, "%u of %u threads have ended while thread %u waits at %s:%d", done, present,
             position(waiting), waiting->file, waiting->line);
}

bool run_block(std::vector<unsigned>& order, uint64_t schedule, uint64_t& random)
{
    race_release(&block_start);
    for (unsigned done = 0; done < present;) {
        arrange(order, schedule, random);
        bool progress = false;
        for (unsigned i : order) {
            if (threads[i].state != State::ready) {
                continue;
            }
            progress = true;
            running = &threads[i];
            place = &running->place;
            enter(running->fiber);
            done += running->state == State::done;
        }
        progress |= release_warps();
        progress |= release_block();
        if (!progress && done < present) {
            if (error[0] == 0) {
                describe_deadlock();
            }
            return false;
        }
    }
    race_acquire(&block_end);
    return true;
}

bool prepare(const Launch& launch)
{
    const uint64_t size = static_cast<uint64_t>(launch.block.x) * launch.block.y * launch.block.z;
    if (size == 0 || size > MOST_THREADS || size % WARP != 0) {
        snprintf(error, sizeof error, "a block has 1 to 32 whole warps, not %llu threads",
                 static_cast<unsigned long long>(size));
        return false;
    }
    present = static_cast<unsigned>(size);
    threads.reserve(MOST_THREADS);
    while (threads.size() < size) {
        threads.push_back({});
        create(threads.back().fiber, run_thread);
    }
    return true;
}

}

bool run(void (*entry)(void*), void* argument, const Launch& launch)
{
    error[0] = 0;
    if (!prepare(launch)) {
        return false;
    }
    kernel = entry;
    kernel_argument = argument;
    host_enters();
    std::vector<unsigned> order(present);
    for (unsigned i = 0; i < present; ++i) {
        order[i] = i;
    }
    uint64_t random = launch.schedule * 0x9e3779b97f4a7c15 + 1;
    bool good = true;
    for (unsigned z = 0; z < launch.grid.z && good; ++z) {
        for (unsigned y = 0; y < launch.grid.y && good; ++y) {
            for (unsigned x = 0; x < launch.grid.x && good; ++x) {
                // Allocated for each block with the exact size, so that the address sanitizer knows
                // its end. Never zero, so that a kernel which does not initialise it fails.
                shared = malloc(launch.shared_bytes);
                memset(shared, 0xa5, launch.shared_bytes);
                set_places(launch, {x, y, z});
                good = run_block(order, launch.schedule, random);
                free(shared);
            }
        }
    }
    if (!good) {
        // Threads that wait for ever are not continued.
        for (Thread& thread : threads) {
            restart(thread.fiber, run_thread);
        }
    }
    place = nullptr;
    return good;
}

const char* last_error()
{
    return error;
}

int barrier(int predicate, const char* file, int line)
{
    Thread* const self = running;
    self->predicate = predicate;
    wait(State::at_barrier, &barrier_tags[self->barriers++ & 1], file, line);
    return self->predicate;
}

unsigned lane()
{
    return position(running) % WARP;
}

unsigned long long exchange(unsigned long long value, unsigned source, const char* file, int line)
{
    Thread* const self = running;
    const unsigned warp = position(self) / WARP;
    self->value = value;
    wait(State::at_exchange, &exchange_tags[warp][self->exchanges++ & 1], file, line);
    const unsigned long long taken = threads[warp * WARP + source % WARP].value;
    wait(State::at_exchange, &exchange_tags[warp][self->exchanges++ & 1], file, line);
    return taken;
}

void* launch_shared()
{
    return shared;
}

}
