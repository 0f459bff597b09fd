//! Every version of the scorer against the plain one.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{LANES, Lanes, Scorer};
use crate::classify::{Link, Tree, TreeEnsemble};

/// A tree of `leaves` leaves that grows by splitting a random leaf, as leaf-wise trainers do.
/// Thresholds come from few values, so that pixels sit exactly on them.
fn tree(rng: &mut ChaCha8Rng, leaves: usize, features: usize, outputs: usize) -> Tree {
    let mut tree = Tree { leaf: vec![0.0; outputs], ..Tree::default() };
    // Which node and side hold each leaf.
    let mut parents: Vec<Option<(usize, bool)>> = vec![None];
    for node in 0..leaves - 1 {
        let split = rng.random_range(0..parents.len());
        tree.feature.push(rng.random_range(0..features) as u32);
        tree.threshold.push(value(rng, false));
        tree.default_left.push(rng.random_bool(0.5));
        tree.left.push(!(split as i32));
        tree.right.push(!(parents.len() as i32));
        if let Some((parent, right)) = parents[split] {
            let side = if right { &mut tree.right } else { &mut tree.left };
            side[parent] = node as i32;
        }
        parents[split] = Some((node, false));
        parents.push(Some((node, true)));
    }
    tree.leaf = (0..leaves * outputs).map(|_| rng.random_range(-1.0..1.0f32)).collect();
    tree
}

fn value(rng: &mut ChaCha8Rng, odd: bool) -> f32 {
    match rng.random_range(0..20) {
        0 if odd => f32::NAN,
        1 if odd => f32::NEG_INFINITY,
        2 => f32::INFINITY,
        3 => -0.0,
        4 => 0.0,
        5..10 => rng.random_range(-1.0..1.0),
        _ => rng.random_range(-8..8) as f32 / 8.0,
    }
}

fn ensemble(rng: &mut ChaCha8Rng, link: Link, classes: usize, leaves: &[usize]) -> TreeEnsemble {
    let features = rng.random_range(1..30);
    let outputs = if link == Link::Average { classes } else { 1 };
    let mut trees: Vec<Tree> = leaves.iter().map(|&n| tree(rng, n, features, outputs)).collect();
    if link == Link::Average {
        for leaf in trees.iter_mut().flat_map(|t| t.leaf.chunks_exact_mut(classes)) {
            let sum: f32 = leaf.iter().map(|v| v.abs()).sum();
            for v in leaf {
                *v = v.abs() / sum;
            }
        }
    }
    let base = match link {
        Link::Softmax => (0..classes).map(|_| rng.random_range(-1.0..1.0)).collect(),
        Link::Sigmoid => vec![rng.random_range(-1.0..1.0)],
        Link::Average => Vec::new(),
    };
    TreeEnsemble { features, classes, link, base, trees }
}

/// Every version of this machine against the plain scorer.
fn check(rng: &mut ChaCha8Rng, ensemble: &TreeEnsemble, pixels: usize) {
    let rows: Vec<f32> = (0..ensemble.features * pixels).map(|_| value(rng, true)).collect();
    for lanes in Lanes::available() {
        let scorer = Scorer::with_lanes(ensemble, lanes).unwrap();
        let predictors: Vec<f32> = scorer
            .used_features()
            .iter()
            .flat_map(|&f| rows[f as usize * pixels..][..pixels].iter().copied())
            .collect();
        let mut out = vec![f32::NAN; ensemble.classes * pixels];
        scorer.score(&predictors, pixels, &mut out).unwrap();
        for pixel in 0..pixels {
            let plain = ensemble.score_row(|f| rows[f * pixels + pixel]);
            for (class, p) in plain.into_iter().enumerate() {
                let fused = out[class * pixels + pixel];
                assert!(
                    (fused - p).abs() <= 1e-6,
                    "{}: pixel {pixel} class {class}: {fused} is not {p}",
                    lanes.name()
                );
            }
        }
    }
}

fn links() -> [(Link, usize); 5] {
    [(Link::Softmax, 2), (Link::Softmax, 5), (Link::Sigmoid, 2), (Link::Average, 2), (Link::Average, 4)]
}

#[test]
fn every_version_equals_the_plain_scorer_for_every_size_of_tree() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // Under Miri a chunk takes minutes: the sizes that take different ways, few pixels.
    let sizes: &[usize] =
        if cfg!(miri) { &[1, 32, 65] } else { &[1, 2, 3, 31, 32, 33, 64, 65, 127, 128, 255, 256, 257, 700] };
    for (link, classes) in links() {
        for &size in sizes {
            let leaves = vec![size; 2 * classes + 1];
            let ensemble = ensemble(&mut rng, link, classes, &leaves);
            check(&mut rng, &ensemble, if cfg!(miri) { 3 } else { 65 });
        }
    }
}

#[test]
fn many_trees_lose_no_digits() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let leaves = vec![31; if cfg!(miri) { 3 } else { 1500 }];
    let ensemble = ensemble(&mut rng, Link::Softmax, 3, &leaves);
    check(&mut rng, &ensemble, 40);
}

#[test]
fn broken_trees_are_refused_by_name() {
    let tree = Tree {
        feature: vec![0, 0],
        threshold: vec![0.0; 2],
        default_left: vec![true; 2],
        left: vec![1, 0],
        right: vec![!0, !1],
        leaf: vec![1.0, 2.0, 3.0],
    };
    let refuse = |tree: Tree, why: &str| {
        let ensemble =
            TreeEnsemble { features: 1, classes: 2, link: Link::Sigmoid, base: vec![0.0], trees: vec![tree] };
        let text = Scorer::new(&ensemble).unwrap_err().to_string();
        assert!(text.contains("tree 0") && text.contains(why), "{text}");
    };
    refuse(tree.clone(), "not below it");
    refuse(Tree { left: vec![1, 7], ..tree.clone() }, "not below it");
    refuse(Tree { left: vec![1, !0], ..tree.clone() }, "leaf 0 has two parents");
    refuse(Tree { left: vec![1, 1], right: vec![1, !1], ..tree.clone() }, "not below it");
    refuse(Tree { left: vec![1, !2], right: vec![1, !1], ..tree.clone() }, "node 1 has two parents");
    refuse(Tree { feature: vec![0, 1], ..tree.clone() }, "column 1");
    refuse(Tree { leaf: vec![1.0], ..tree.clone() }, "leaf values");
    refuse(Tree { threshold: vec![0.0, f32::NAN], left: vec![1, !2], ..tree }, "not a number");
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let scorer = Scorer::new(&ensemble(&mut rng, Link::Softmax, 3, &[8; 6])).unwrap();
    let columns = scorer.used_features().len();
    assert!(scorer.score(&vec![0.0; columns * 2 + 1], 2, &mut [0.0; 6]).is_err());
    assert!(scorer.score(&vec![0.0; columns * 2], 2, &mut [0.0; 5]).is_err());
}

#[cfg(not(miri))]
proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_ensembles_score_as_the_plain_scorer_does(
        seed in any::<u64>(),
        link in 0usize..5,
        leaves in prop::collection::vec(1usize..80, 1..12),
        pixels in 0usize..LANES + 70,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (link, classes) = links()[link];
        let ensemble = ensemble(&mut rng, link, classes, &leaves);
        check(&mut rng, &ensemble, pixels);
    }
}
