//! How many lines of each kind there were: the counter of an event is its line, so that neither can be without the other.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::{Act, Event};

/// What a ledger has told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Lines of any kind.
    pub lines: u64,
    /// Frames that were recorded.
    pub frames: u64,
    /// Frames that got the result of the one before.
    pub repeats: u64,
    /// Fall-backs.
    pub fallbacks: u64,
    /// Damaged engines that were put aside in the cache.
    pub cache_entries_put_aside: u64,
    /// Times that the cache was done without.
    pub without_cache: u64,
    /// Allocations that were tried again.
    pub allocations_retried: u64,
    /// Frames that were left out.
    pub frames_lost: u64,
    /// Launches on a GPU with output that was not finite.
    pub not_finite: u64,
    /// Failures.
    pub failures: u64,
    /// Times that a session found its GPU lost.
    pub devices_lost: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, event: &Event) {
        self.lines += 1;
        let counter = match event {
            Event::Opened(_) | Event::Model(_) | Event::Session(_) => return,
            Event::SessionClosed(_) | Event::Closed(_) => return,
            Event::Frame(_) => &mut self.frames,
            Event::Repeat(_) => &mut self.repeats,
            Event::Fallback(_) => &mut self.fallbacks,
            Event::Act(Act::CacheEntryPutAside { .. }) => &mut self.cache_entries_put_aside,
            Event::Act(Act::WithoutCache { .. }) => &mut self.without_cache,
            Event::Act(Act::AllocationRetried { .. }) => &mut self.allocations_retried,
            Event::Act(Act::FrameLost { .. }) => &mut self.frames_lost,
            Event::Act(Act::NotFinite { .. }) => &mut self.not_finite,
            Event::Failed(_) => &mut self.failures,
            Event::DeviceLost(_) => &mut self.devices_lost,
        };
        *counter += 1;
    }

    /// How often hardened mode did what strict mode has an error for.
    #[must_use]
    pub fn acts(&self) -> u64 {
        let Counts {
            cache_entries_put_aside,
            without_cache,
            allocations_retried,
            frames_lost,
            not_finite,
            ..
        } = *self;
        cache_entries_put_aside + without_cache + allocations_retried + frames_lost + not_finite
    }
}

/// The sum of what several ledgers, or several runs in one file, told.
impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        // By name, so that a new one cannot be forgotten here.
        let Counts {
            lines,
            frames,
            repeats,
            fallbacks,
            cache_entries_put_aside,
            without_cache,
            allocations_retried,
            frames_lost,
            not_finite,
            failures,
            devices_lost,
        } = more;
        self.lines += lines;
        self.frames += frames;
        self.repeats += repeats;
        self.fallbacks += fallbacks;
        self.cache_entries_put_aside += cache_entries_put_aside;
        self.without_cache += without_cache;
        self.allocations_retried += allocations_retried;
        self.frames_lost += frames_lost;
        self.not_finite += not_finite;
        self.failures += failures;
        self.devices_lost += devices_lost;
    }
}
