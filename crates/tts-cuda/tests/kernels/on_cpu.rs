//! Memory and queues of kernels that are emulated.

use tts_cuda::{Address, Order, Queue};

/// Bytes from an address that is a multiple of 16.
pub(crate) struct Room(Vec<u128>);

impl Room {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(16)];
        bytemuck::cast_slice_mut::<u128, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self(words)
    }

    pub(crate) fn address(&mut self) -> Address {
        Address::of(self.0.as_mut_ptr())
    }

    /// And up to 15 more.
    pub(crate) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// Queues that run threads in every kind of order.
pub(crate) fn queues() -> [Queue; 4] {
    [Order::Forwards, Order::Backwards, Order::Shuffled(1), Order::Shuffled(2)].map(Queue::Emulated)
}
