//! Device memory that is kept and given out again, in the order of streams.

use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use rave_core::{Error, Result, Status};

use crate::buckets::bucket_size;
use crate::{Device, Event, Stream, memory};

/// What a pool needs of a device. [`DeviceAllocator`] is CUDA's.
pub trait PoolAllocator: Debug {
    /// A queue of work.
    type Stream: Debug;
    /// A point in a queue's work, which can be moved.
    type Fence: Debug;

    /// New memory of `bytes`; its address.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`] when there is none, other errors of the device.
    fn allocate(&self, bytes: usize) -> Result<u64>;
    /// Gives memory back, after all work that uses it.
    fn free(&self, address: u64);
    /// A fence that has passed.
    ///
    /// # Errors
    /// Errors of the device.
    fn fence(&self) -> Result<Self::Fence>;
    /// Moves `fence` to the end of the work on `stream` so far.
    ///
    /// # Errors
    /// Errors of the device.
    fn record(&self, fence: &Self::Fence, stream: &Self::Stream) -> Result<()>;
    /// Whether the work before `fence` is done.
    ///
    /// # Errors
    /// The first error of that work.
    fn is_done(&self, fence: &Self::Fence) -> Result<bool>;
    /// Lets later work on `stream` wait for `fence`, on the device.
    ///
    /// # Errors
    /// Errors of the device.
    fn wait(&self, stream: &Self::Stream, fence: &Self::Fence) -> Result<()>;
    /// A number that tells streams apart.
    fn identity(&self, stream: &Self::Stream) -> usize;
}

/// `cuMemAlloc`, `cuMemFree` and events.
#[derive(Debug)]
pub struct DeviceAllocator(Device);

impl PoolAllocator for DeviceAllocator {
    type Stream = Stream;
    type Fence = Event;

    fn allocate(&self, bytes: usize) -> Result<u64> {
        memory::allocate(&self.0, bytes)
    }

    fn free(&self, address: u64) {
        memory::free(&self.0, address);
    }

    fn fence(&self) -> Result<Event> {
        Event::new(&self.0)
    }

    fn record(&self, fence: &Event, stream: &Stream) -> Result<()> {
        fence.record(stream)
    }

    fn is_done(&self, fence: &Event) -> Result<bool> {
        fence.is_done()
    }

    fn wait(&self, stream: &Stream, fence: &Event) -> Result<()> {
        stream.wait(fence)
    }

    fn identity(&self, stream: &Stream) -> usize {
        stream.id()
    }
}

/// What a pool has done, counted from its first request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Requests that a block in hand served.
    pub hits: u64,
    /// Requests that took an allocation.
    pub misses: u64,
    /// Bytes given out now, whole buckets.
    pub live_bytes: usize,
    /// Bytes held now, given out or free.
    pub held_bytes: usize,
    /// The most bytes ever held.
    pub high_water_bytes: usize,
}

impl PoolStats {
    /// Hits per request; 1 before the first.
    #[must_use]
    pub fn hit_rate(&self) -> f64 {
        match self.hits + self.misses {
            0 => 1.0,
            requests => self.hits as f64 / requests as f64,
        }
    }
}

/// Memory with the point at which its last user lets go.
#[derive(Debug)]
struct Block<F> {
    address: u64,
    bytes: usize,
    fence: F,
    /// The stream on which the fence was recorded.
    stream: usize,
}

#[derive(Debug)]
struct State<F> {
    /// Free blocks by bucket size, ascending; those given back last are last.
    buckets: Vec<(usize, Vec<Block<F>>)>,
    stats: PoolStats,
}

impl<F> State<F> {
    fn bucket(&mut self, bytes: usize) -> &mut Vec<Block<F>> {
        let index = match self.buckets.binary_search_by_key(&bytes, |bucket| bucket.0) {
            Ok(index) => index,
            Err(index) => {
                self.buckets.insert(index, (bytes, Vec::with_capacity(8)));
                index
            }
        };
        &mut self.buckets[index].1
    }
}

#[derive(Debug)]
struct Shared<A: PoolAllocator> {
    allocator: A,
    state: Mutex<State<A::Fence>>,
}

impl<A: PoolAllocator> Shared<A> {
    fn state(&self) -> MutexGuard<'_, State<A::Fence>> {
        // Every change of the state is complete before anything in it can panic.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

// RV-CUDA-1106
impl<A: PoolAllocator> Drop for Shared<A> {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        for block in state.buckets.drain(..).flat_map(|bucket| bucket.1) {
            self.allocator.free(block.address);
        }
    }
}

/// Device memory in buckets. In the steady state nothing is allocated or freed, on the device or the host, and addresses
/// repeat, so that a captured graph stays valid.
///
/// A block comes back with an event recorded on the stream of its last use. On the same stream it is given out again at
/// once, for work there is in order; on another stream, after the event, for which that stream waits on the device if it
/// has not passed. The host never waits.
///
/// Cheap to clone; clones share the blocks. Not to be used on a stream that is being captured.
#[derive(Debug)]
pub struct BucketedPool<A: PoolAllocator = DeviceAllocator>(Arc<Shared<A>>);

impl<A: PoolAllocator> Clone for BucketedPool<A> {
    fn clone(&self) -> Self {
        BucketedPool(Arc::clone(&self.0))
    }
}

impl BucketedPool {
    /// An empty pool of `device`'s memory.
    #[must_use]
    pub fn new(device: &Device) -> Self {
        BucketedPool::with_allocator(DeviceAllocator(device.clone()))
    }
}

impl<A: PoolAllocator> BucketedPool<A> {
    /// An empty pool of `allocator`'s memory.
    #[must_use]
    pub fn with_allocator(allocator: A) -> Self {
        BucketedPool(Arc::new(Shared {
            allocator,
            state: Mutex::new(State { buckets: Vec::new(), stats: PoolStats::default() }),
        }))
    }

    /// At least `bytes` of memory for work that is enqueued on `stream` from now on. Its content is undefined.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`] when a new block was needed and there was no memory. Nothing is freed then: whoever may
    /// retry calls [`BucketedPool::trim`] first. [`Status::InvalidParameter`] for 0 bytes, [`Status::DeviceLost`].
    // RV-CUDA-1101, RV-CUDA-1103
    pub fn acquire(&self, bytes: usize, stream: &A::Stream) -> Result<PooledBlock<A>> {
        if bytes == 0 {
            return Err(Error::new(Status::InvalidParameter, "0 bytes asked of a memory pool"));
        }
        let size = bucket_size(bytes);
        let allocator = &self.0.allocator;
        let identity = allocator.identity(stream);
        let free = {
            let mut state = self.0.state();
            let bucket = state.bucket(size);
            let place = match bucket.iter().rposition(|block| block.stream == identity) {
                Some(place) => Some(place),
                // The first was given back first, so it is the likeliest to be done.
                None => (!bucket.is_empty()).then_some(0),
            };
            place.map(|place| bucket.remove(place))
        };
        let block = match free {
            Some(block) => {
                if block.stream != identity
                    && let Err(error) = self.join(&block, stream)
                {
                    self.0.state().bucket(size).push(block);
                    return Err(error);
                }
                let stats = &mut self.0.state().stats;
                stats.hits += 1;
                stats.live_bytes += size;
                block
            }
            None => self.grow(size, identity)?,
        };
        Ok(PooledBlock { block: Some(block), bytes, pool: self.clone() })
    }

    /// Lets `stream` wait for the last user of `block`, if it is not done.
    // RV-CUDA-1102
    fn join(&self, block: &Block<A::Fence>, stream: &A::Stream) -> Result<()> {
        if self.0.allocator.is_done(&block.fence)? {
            return Ok(());
        }
        self.0.allocator.wait(stream, &block.fence)
    }

    fn grow(&self, bytes: usize, stream: usize) -> Result<Block<A::Fence>> {
        let fence = self.0.allocator.fence()?;
        let address = self.0.allocator.allocate(bytes)?;
        let mut state = self.0.state();
        state.stats.misses += 1;
        state.stats.live_bytes += bytes;
        state.stats.held_bytes += bytes;
        state.stats.high_water_bytes = state.stats.high_water_bytes.max(state.stats.held_bytes);
        Ok(Block { address, bytes, fence, stream })
    }

    /// Frees every block that is not given out, waiting for the device where it must, and returns the bytes freed.
    // RV-CUDA-1105
    pub fn trim(&self) -> usize {
        let buckets = mem::take(&mut self.0.state().buckets);
        let mut freed = 0;
        for block in buckets.into_iter().flat_map(|bucket| bucket.1) {
            self.0.allocator.free(block.address);
            freed += block.bytes;
        }
        self.0.state().stats.held_bytes -= freed;
        freed
    }

    /// What the pool has done so far.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.0.state().stats
    }
}

/// Memory that a pool has given out.
///
/// Give it back with [`PooledBlock::release`], naming the stream of its last use. Merely dropped, it is freed, which waits
/// for the device: correct, but not for the steady state.
#[derive(Debug)]
pub struct PooledBlock<A: PoolAllocator = DeviceAllocator> {
    /// `None` once released.
    block: Option<Block<A::Fence>>,
    bytes: usize,
    pool: BucketedPool<A>,
}

impl<A: PoolAllocator> PooledBlock<A> {
    /// The device address, aligned to 256 bytes at least.
    #[must_use]
    pub fn address(&self) -> u64 {
        self.block.as_ref().map_or(0, |block| block.address)
    }

    /// The bytes that were asked for; the bucket may hold more.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives the memory back after the work that is enqueued on `stream` so far.
    ///
    /// # Errors
    /// Errors of the device; the memory is then freed.
    pub fn release(mut self, stream: &A::Stream) -> Result<()> {
        let shared = &self.pool.0;
        if let Some(block) = &mut self.block {
            shared.allocator.record(&block.fence, stream)?;
            block.stream = shared.allocator.identity(stream);
        }
        if let Some(block) = self.block.take() {
            let mut state = shared.state();
            state.stats.live_bytes -= block.bytes;
            state.bucket(block.bytes).push(block);
        }
        Ok(())
    }
}

impl<A: PoolAllocator> Drop for PooledBlock<A> {
    fn drop(&mut self) {
        if let Some(block) = self.block.take() {
            self.pool.0.allocator.free(block.address);
            let mut state = self.pool.0.state();
            state.stats.live_bytes -= block.bytes;
            state.stats.held_bytes -= block.bytes;
        }
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
