//! What the processes of stress share: the indices, where rice grows, what a model must not be
//! used for.

mod ground;

pub use ground::{RiceSource, rice_mask};

/// The eight red-edge indices of [Z] Table 1, in its order.
pub const STRESS_INDICES: [&str; 8] = ["REP", "CIre", "MSR", "MCARI", "NDVI", "RDVI", "NDRE1", "NDRE2"];

/// The class whose probability a stress map tells.
pub const STRESSED: &str = "stressed-rice";

/// What every model and map of stress says of itself.
pub const LIMITS: &str = "Stress found here is evidence of chlorophyll loss in rice, not a soil test: drought, \
    disease, cold and lack of nitrogen look alike. It must not decide by itself what is grown, eaten, bought or \
    paid; it says where to take samples of soil and grain.";
