//! The pool's logic over host memory: addresses are real, streams are counters of work enqueued and done.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;

/// Work enqueued and work done; work is done only when the test says so.
#[derive(Debug, Default)]
struct HostStream {
    enqueued: Cell<u64>,
    done: Cell<u64>,
    /// How often this stream was told to wait for another.
    waits: Cell<u64>,
    /// Whether it can be told to wait no more.
    broken: Cell<bool>,
    number: usize,
}

/// A point in a stream's work.
#[derive(Debug, Default)]
struct HostFence(RefCell<Option<(Rc<HostStream>, u64)>>);

/// Host memory with a limit, as a device has.
#[derive(Debug)]
struct HostAllocator {
    blocks: RefCell<HashMap<u64, Box<[u8]>>>,
    limit: usize,
    allocations: Cell<u64>,
}

impl HostAllocator {
    fn with_limit(limit: usize) -> Self {
        HostAllocator { blocks: RefCell::default(), limit, allocations: Cell::new(0) }
    }

    fn held(&self) -> usize {
        self.blocks.borrow().values().map(|block| block.len()).sum()
    }
}

impl PoolAllocator for Rc<HostAllocator> {
    type Stream = Rc<HostStream>;
    type Fence = HostFence;

    fn allocate(&self, bytes: usize) -> Result<u64> {
        if self.held() + bytes > self.limit {
            return Err(Error::new(Status::OutOfMemory, format!("{bytes} bytes")));
        }
        let block = vec![0u8; bytes].into_boxed_slice();
        let address = block.as_ptr().addr() as u64;
        self.blocks.borrow_mut().insert(address, block);
        self.allocations.set(self.allocations.get() + 1);
        Ok(address)
    }

    fn free(&self, address: u64) {
        self.blocks.borrow_mut().remove(&address).expect("the address was allocated and not yet freed");
    }

    fn fence(&self) -> Result<HostFence> {
        Ok(HostFence::default())
    }

    fn record(&self, fence: &HostFence, stream: &Rc<HostStream>) -> Result<()> {
        *fence.0.borrow_mut() = Some((Rc::clone(stream), stream.enqueued.get()));
        Ok(())
    }

    fn is_done(&self, fence: &HostFence) -> Result<bool> {
        Ok(fence.0.borrow().as_ref().is_none_or(|(stream, point)| stream.done.get() >= *point))
    }

    fn wait(&self, stream: &Rc<HostStream>, _: &HostFence) -> Result<()> {
        if stream.broken.get() {
            return Err(Error::new(Status::DeviceLost, "stream"));
        }
        stream.waits.set(stream.waits.get() + 1);
        Ok(())
    }

    fn identity(&self, stream: &Rc<HostStream>) -> usize {
        stream.number
    }
}

fn stream(number: usize) -> Rc<HostStream> {
    Rc::new(HostStream { number, ..HostStream::default() })
}

fn pool(limit: usize) -> (Rc<HostAllocator>, BucketedPool<Rc<HostAllocator>>) {
    let allocator = Rc::new(HostAllocator::with_limit(limit));
    (Rc::clone(&allocator), BucketedPool::with_allocator(allocator))
}

const PLENTY: usize = 1 << 30;

/// RV-CUDA-1101
#[test]
fn the_steady_state_allocates_nothing_and_repeats_addresses() {
    let (allocator, pool) = pool(PLENTY);
    let stream = stream(1);
    let mut seen = Vec::new();
    for frame in 0..100 {
        let input = pool.acquire(6_000_000, &stream).unwrap();
        let output = pool.acquire(24_000_000, &stream).unwrap();
        stream.enqueued.set(stream.enqueued.get() + 1);
        let addresses = (input.address(), output.address());
        seen.push(addresses);
        assert_eq!(addresses, seen[0], "frame {frame}");
        input.release(&stream).unwrap();
        output.release(&stream).unwrap();
    }
    assert_eq!(allocator.allocations.get(), 2);
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.misses), (198, 2));
    assert_eq!(stats.hit_rate(), 0.99);
    assert_eq!(stats.live_bytes, 0);
    assert_eq!(stats.held_bytes, stats.high_water_bytes);
    assert_eq!(stats.held_bytes, allocator.held());
    assert_eq!(stream.waits.get(), 0, "work on one stream is in order by itself");
}

/// RV-CUDA-1102
#[test]
fn a_block_goes_to_another_stream_at_once_only_if_its_last_use_is_done() {
    let (_, pool) = pool(PLENTY);
    let (first, second) = (stream(1), stream(2));
    let block = pool.acquire(1000, &first).unwrap();
    let address = block.address();
    first.enqueued.set(1);
    block.release(&first).unwrap();

    let block = pool.acquire(1000, &second).unwrap();
    assert_eq!((block.address(), second.waits.get()), (address, 1), "the device waits, the host does not");
    block.release(&second).unwrap();

    first.done.set(1);
    let block = pool.acquire(1000, &first).unwrap();
    assert_eq!((block.address(), first.waits.get()), (address, 0), "the second stream was idle");
    drop(block);
}

#[test]
fn a_stream_gets_its_own_block_back_before_that_of_another() {
    let (_, pool) = pool(PLENTY);
    let (first, second) = (stream(1), stream(2));
    let (a, b) = (pool.acquire(1000, &first).unwrap(), pool.acquire(1000, &second).unwrap());
    let (of_first, of_second) = (a.address(), b.address());
    a.release(&first).unwrap();
    b.release(&second).unwrap();
    assert_eq!(pool.acquire(1000, &first).unwrap().address(), of_first);
    assert_eq!(pool.acquire(1000, &second).unwrap().address(), of_second);
}

/// RV-CUDA-1105
#[test]
fn trimming_after_running_out_of_memory_lets_one_retry_succeed() {
    let (allocator, pool) = pool(10_000);
    let stream = stream(1);
    pool.acquire(6000, &stream).unwrap().release(&stream).unwrap();
    let error = pool.acquire(8000, &stream).unwrap_err();
    assert_eq!(error.status(), Status::OutOfMemory);
    assert_eq!(pool.trim(), 6144);
    assert_eq!(allocator.held(), 0);
    let block = pool.acquire(8000, &stream).unwrap();
    assert_eq!(block.bytes(), 8000);
    assert_eq!(pool.stats().live_bytes, 8192);
}

/// RV-CUDA-1103
#[test]
fn what_was_not_given_out_is_not_counted_and_stays() {
    let (allocator, pool) = pool(1024);
    let (first, second) = (stream(1), stream(2));
    let block = pool.acquire(1000, &first).unwrap();
    first.enqueued.set(1);
    block.release(&first).unwrap();
    let before = pool.stats();
    second.broken.set(true);
    assert_eq!(pool.acquire(1000, &second).unwrap_err().status(), Status::DeviceLost);
    assert_eq!(pool.acquire(2000, &first).unwrap_err().status(), Status::OutOfMemory);
    assert_eq!(pool.stats(), before);
    pool.acquire(1000, &first).unwrap();
    assert_eq!((pool.stats().hits, allocator.allocations.get()), (1, 1));
}

/// RV-CUDA-1106
#[test]
fn a_block_that_is_dropped_is_freed_and_a_pool_frees_what_it_holds() {
    let (allocator, pool) = pool(PLENTY);
    let stream = stream(1);
    drop(pool.acquire(1000, &stream).unwrap());
    assert_eq!((allocator.held(), pool.stats().held_bytes, pool.stats().live_bytes), (0, 0, 0));
    let kept = pool.acquire(1000, &stream).unwrap();
    pool.acquire(1000, &stream).unwrap().release(&stream).unwrap();
    drop(pool);
    assert_eq!(allocator.held(), 2048, "a block that is given out keeps its pool");
    drop(kept);
    assert_eq!(allocator.held(), 0);
}

#[test]
fn nothing_is_not_a_request() {
    let (_, pool) = pool(PLENTY);
    assert_eq!(pool.acquire(0, &stream(1)).unwrap_err().status(), Status::InvalidParameter);
    assert_eq!(pool.stats().hit_rate(), 1.0);
}

proptest! {
    /// RV-CUDA-1103
    #[test]
    fn whatever_is_asked_blocks_never_overlap_and_the_books_balance(
        steps in proptest::collection::vec((1usize..100_000, 0usize..3, any::<bool>()), 1..200)
    ) {
        let (allocator, pool) = pool(PLENTY);
        let streams = [stream(0), stream(1), stream(2)];
        let mut live: Vec<(PooledBlock<_>, usize)> = Vec::new();
        for (bytes, which, give_back) in steps {
            if give_back && !live.is_empty() {
                let (block, stream) = live.swap_remove(bytes % live.len());
                block.release(&streams[stream]).unwrap();
            } else {
                let block = pool.acquire(bytes, &streams[which]).unwrap();
                let size = allocator.blocks.borrow()[&block.address()].len();
                prop_assert!(size >= bytes);
                prop_assert!(live.iter().all(|(other, _)| other.address() != block.address()));
                live.push((block, which));
            }
            let stats = pool.stats();
            let given: usize = live.iter().map(|(block, _)| bucket_size(block.bytes())).sum();
            prop_assert_eq!(stats.live_bytes, given);
            prop_assert_eq!(stats.held_bytes, allocator.held());
        }
        drop(live);
        pool.trim();
        prop_assert_eq!(allocator.held(), 0);
    }
}
