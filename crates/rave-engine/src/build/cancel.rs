//! How a caller takes back what it has asked for.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Asks the caller whether something that takes long is still wanted. By default it always is. Clones ask the same.
#[derive(Clone, Default)]
pub struct Cancel(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Cancel {
    /// What is asked for ends soon after `cancelled` has said yes. It is called several times a second, from any
    /// thread, and should return at once.
    #[must_use]
    pub fn when(cancelled: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Cancel(Some(Arc::new(cancelled)))
    }

    /// Whether it is not wanted any more.
    #[must_use]
    pub fn came(&self) -> bool {
        self.0.as_ref().is_some_and(|cancelled| cancelled())
    }

    /// The same, for what goes on until it is told to break off.
    pub(super) fn flow(&self) -> ControlFlow<()> {
        if self.came() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Cancel(asks)" } else { "Cancel(never)" })
    }
}
