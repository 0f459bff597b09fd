//! Where burn trains: the CPU, or a GPU where the crate is built for one and finds it.

use std::sync::LazyLock;

use burn::tensor::Device;

/// The device to train on, ready for gradients.
pub fn training_device() -> Device {
    /// Looked for once a run, so that its absence is told once.
    static FOUND: LazyLock<Option<Device>> = LazyLock::new(gpu);
    FOUND.clone().unwrap_or_else(Device::flex).autodiff()
}

/// The first GPU that works, CUDA before wgpu.
fn gpu() -> Option<Device> {
    let candidates: Vec<fn() -> Device> = vec![
        #[cfg(feature = "cuda")]
        || Device::cuda(0),
        // Named by kind: a GPU that software imitates is slower than the CPU it runs on.
        #[cfg(feature = "wgpu")]
        || Device::wgpu(burn::tensor::DeviceKind::DiscreteGpu(0)),
        #[cfg(feature = "wgpu")]
        || Device::wgpu(burn::tensor::DeviceKind::IntegratedGpu(0)),
        #[cfg(feature = "wgpu")]
        || Device::wgpu(burn::tensor::DeviceKind::VirtualGpu(0)),
    ];
    let found = candidates.iter().find_map(|device| works(*device));
    if found.is_none() && !candidates.is_empty() {
        tracing::warn!("no GPU works here; training goes on on the CPU");
    }
    found
}

/// A device is lazy, and panics where it is first used and not there.
fn works(device: fn() -> Device) -> Option<Device> {
    let tried = std::panic::catch_unwind(|| {
        let device = device();
        let sum = burn::tensor::Tensor::<1>::ones([2], &device).sum().into_data();
        (sum.iter::<f32>().next() == Some(2.0)).then_some(device)
    });
    tried.ok().flatten()
}
