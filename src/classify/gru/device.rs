//! Where burn trains: the CPU, or a GPU where the crate is built for one and finds it.

use burn::tensor::Device;

/// The device to train on, ready for gradients.
pub fn training_device() -> Device {
    gpu().unwrap_or_else(Device::flex).autodiff()
}

#[cfg(not(feature = "wgpu"))]
fn gpu() -> Option<Device> {
    None
}

/// The GPU, where one works. A device is lazy, and panics where it is first used and not there.
#[cfg(feature = "wgpu")]
fn gpu() -> Option<Device> {
    let tried = std::panic::catch_unwind(|| {
        let device = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
        let sum = burn::tensor::Tensor::<1>::ones([2], &device).sum().into_data();
        (sum.iter::<f32>().next() == Some(2.0)).then_some(device)
    });
    let device = tried.ok().flatten();
    if device.is_none() {
        tracing::warn!("no GPU works here through wgpu; training goes on on the CPU");
    }
    device
}
