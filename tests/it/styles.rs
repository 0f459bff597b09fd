//! Styles: the files in `styles/` are what the generators make today, programs read them, and
//! colour-blind people tell the classes apart.

use std::path::{Path, PathBuf};

use rededge::style::{LayerSource, Style, maplibre, picture, sld};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("styles")
}

/// Compares a file with what is generated; off CI it is brought up to date, and the test fails once.
fn compare(name: &str, text: &str, stale: &mut Vec<String>) {
    let path = folder().join(name);
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found.replace("\r\n", "\n") != text {
        stale.push(name.to_owned());
        if std::env::var_os("CI").is_none() {
            std::fs::write(&path, text).unwrap();
        }
    }
}

/// As a server tells it whose address and collection are yet to be put in.
fn source(style: &Style) -> LayerSource {
    let own = "{server}/collections/{collectionId}";
    let tiles = if style.is_of_features() {
        format!("{own}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=mvt")
    } else {
        format!("{own}/styles/{}/map/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=png", style.id)
    };
    LayerSource {
        tiles: vec![tiles],
        max_zoom: 22,
        layer: "{collectionId}".to_owned(),
        ..LayerSource::default()
    }
}

#[test]
fn the_files_in_styles_are_what_is_generated() {
    let mut stale = Vec::new();
    for style in Style::all() {
        let mut json = serde_json::to_string_pretty(&maplibre(&style, &source(&style))).unwrap();
        json.push('\n');
        compare(&format!("{}.json", style.id), &json, &mut stale);
        compare(&format!("{}.sld", style.id), &sld(&style), &mut stale);
        compare(&format!("{}.qml", style.id), &style.qml(), &mut stale);
    }
    assert!(stale.is_empty(), "styles/ was stale and is written anew (off CI): {stale:?}");
}

#[test]
fn every_encoding_of_a_style_has_the_same_colours() {
    for style in Style::all() {
        let json = maplibre(&style, &source(&style)).to_string();
        let (sld, qml) = (sld(&style), style.qml());
        for xml in [&sld, &qml] {
            let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
            roxmltree::Document::parse_with_options(xml, options).unwrap();
        }
        for entry in style.entries() {
            let rgb = |k: usize| u8::from_str_radix(&entry.color[k..k + 2], 16).unwrap();
            let decimal = format!("{},{},{}", rgb(1), rgb(3), rgb(5));
            assert!(sld.contains(&entry.color), "{} in SLD of {}", entry.color, style.id);
            assert!(
                qml.contains(&entry.color) || qml.contains(&decimal),
                "{} in QML of {}",
                entry.color,
                style.id
            );
            assert!(json.contains(&entry.color), "{} in MapLibre of {}", entry.color, style.id);
        }
        assert_eq!(picture(&style).unwrap()[..4], *b"\x89PNG");
        assert!(style.title_zh.is_some_and(|zh| !zh.is_ascii()), "{} has a Chinese name", style.id);
    }
}

/// Machado, Oliveira and Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1: on linear RGB.
const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
    ("usual", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// CIE L*a*b* (D65) of a colour as it is seen.
fn lab(rgb: [u8; 3], vision: &[[f64; 3]; 3]) -> [f64; 3] {
    let linear = rgb.map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    let seen = vision.map(|row| row.iter().zip(linear).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0));
    let mix = |row: [f64; 3]| row.iter().zip(seen).map(|(m, c)| m * c).sum::<f64>();
    let xyz = [
        mix([0.412_456_4, 0.357_576_1, 0.180_437_5]) / 0.950_47,
        mix([0.212_672_9, 0.715_152_2, 0.072_175]),
        mix([0.019_333_9, 0.119_192, 0.950_304_1]) / 1.088_83,
    ];
    let [x, y, z] =
        xyz.map(|t| if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000 (Sharma, Wu and Dalal 2005, doi:10.1002/col.20070).
fn difference([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let mean_c = f64::midpoint(a1.hypot(b1), a2.hypot(b2));
    let seventh = |c: f64| (c.powi(7) / (c.powi(7) + 25f64.powi(7))).sqrt();
    let g = 1.0 + 0.5 * (1.0 - seventh(mean_c));
    let (a1, a2) = (g * a1, g * a2);
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| b.atan2(a).to_degrees().rem_euclid(360.0);
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let dh = match h2 - h1 {
        _ if grey => 0.0,
        d if d > 180.0 => d - 360.0,
        d if d < -180.0 => d + 360.0,
        d => d,
    };
    let (dl, dc) = (l2 - l1, c2 - c1);
    let dh_chord = 2.0 * (c1 * c2).sqrt() * (dh / 2.0).to_radians().sin();
    let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let h = match h1 + h2 {
        sum if grey => sum,
        sum if (h1 - h2).abs() <= 180.0 => sum / 2.0,
        sum if sum < 360.0 => f64::midpoint(sum, 360.0),
        sum => (sum - 360.0) / 2.0,
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0)
        - 0.2 * cos(4.0 * h - 63.0);
    let turn = 30.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let sl = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let rotation = -(2.0 * turn).to_radians().sin() * 2.0 * seventh(c);
    let (l, c, h) = (dl / sl, dc / sc, dh_chord / sh);
    (l * l + c * c + h * h + rotation * c * h).sqrt()
}

#[test]
fn the_difference_of_colours_is_that_of_the_published_pairs() {
    for (one, other, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, -1.0, 2.0], [50.0, 0.0, 0.0], 2.3669),
        ([50.0, 2.5, 0.0], [61.0, -5.0, 29.0], 22.8977),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ([2.0776, 0.0795, -1.1350], [0.9033, -0.0636, -0.5514], 0.9082),
    ] {
        assert!((difference(one, other) - expected).abs() < 1e-4, "{one:?} {other:?}");
    }
}

#[test]
fn classes_of_a_legend_are_told_apart_by_every_eye() {
    use rededge::classmap::Legend;
    let others: Vec<String> = (0..6).map(|k| format!("crop {k}")).collect();
    let legends = [
        ("rice", Legend::rice(), 19.0),
        ("stress", Legend::stress(), 19.0),
        ("land-cover", Legend::land_cover(), 19.0),
        ("six classes of one's own", Legend::of_classes(&others).unwrap(), 10.0),
    ];
    for (name, legend, least) in legends {
        for (vision, matrix) in &VISIONS {
            for (k, one) in legend.classes.iter().enumerate() {
                for other in &legend.classes[..k] {
                    let apart = difference(lab(one.color, matrix), lab(other.color, matrix));
                    assert!(
                        apart >= least,
                        "{name}, {vision}: {} and {} are {apart:.1} apart",
                        one.name,
                        other.name
                    );
                }
            }
        }
    }
}

#[test]
fn ramps_run_one_way_in_lightness_for_every_eye() {
    for id in ["probability", "persistence", "heat-map", "index"] {
        let entries = Style::find(id).unwrap().entries();
        for (vision, matrix) in &VISIONS {
            let light: Vec<f64> = entries
                .iter()
                .map(|e| {
                    let rgb = |k: usize| u8::from_str_radix(&e.color[k..k + 2], 16).unwrap();
                    lab([rgb(1), rgb(3), rgb(5)], matrix)[0]
                })
                .collect();
            let rising = light.windows(2).all(|w| w[1] > w[0] + 3.0);
            let falling = light.windows(2).all(|w| w[1] < w[0] - 3.0);
            assert!(rising || falling, "{id}, {vision}: {light:.0?}");
        }
    }
}
