//! Class codes, names and colours, in one place: `styles/legends.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What can go wrong with a legend.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LegendError {
    /// A code is one byte, and one is nodata.
    #[error("{0} classes; a class map holds at most 254")]
    TooMany(usize),
    /// A class name stands twice.
    #[error("class `{0}` stands twice")]
    Duplicate(String),
    /// No class at all.
    #[error("no class is named")]
    Empty,
}

/// One class of a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassEntry {
    /// The pixel's code.
    pub code: u8,
    /// The class name (`single-rice`).
    pub name: String,
    /// Red, green, blue.
    pub color: [u8; 3],
}

/// The classes of a map by rising code, and its nodata code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Legend {
    /// The classes.
    pub classes: Vec<ClassEntry>,
    /// The code of pixels without an answer.
    pub nodata: u8,
    /// Codes of the classes that a user declared to be rice; empty where their names tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rice: Vec<u8>,
}

impl Legend {
    /// Rice maps: 1 single-rice, 2 double-rice, 3 non-rice; 0 nodata.
    pub fn rice() -> Self {
        STYLES.legend("rice")
    }

    /// Stress maps: 0 non-rice, 1 unstressed-rice, 2 stressed-rice; 255 nodata.
    pub fn stress() -> Self {
        STYLES.legend("stress")
    }

    /// Land cover: 1 rice, 2 forest, 3 grass, 4 water, 5 urban, 6 bare; 0 nodata.
    pub fn land_cover() -> Self {
        STYLES.legend("land-cover")
    }

    /// The legend of `styles/legends.json` with this id, where there is one.
    pub fn by_style(id: &str) -> Option<Self> {
        STYLES.legends.contains_key(id).then(|| STYLES.legend(id))
    }

    /// The legend of a map with these classes. Names that all stand in one of the three known
    /// legends (rice, stress, land cover, in this order) get its codes; any others get 1..K in
    /// the order given and nodata 0. A known name keeps its colour.
    ///
    /// # Errors
    /// [`LegendError`]: no class, more than 254, or one twice.
    pub fn of_classes<S: AsRef<str>>(names: &[S]) -> Result<Self, LegendError> {
        if names.is_empty() {
            return Err(LegendError::Empty);
        }
        if names.len() > 254 {
            return Err(LegendError::TooMany(names.len()));
        }
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name.as_ref()) {
                return Err(LegendError::Duplicate(name.as_ref().to_owned()));
            }
        }
        for known in [Self::rice(), Self::stress(), Self::land_cover()] {
            if names.iter().all(|n| known.code_of(n.as_ref()).is_some()) {
                let classes = known.classes.into_iter().filter(|c| seen.contains(c.name.as_str())).collect();
                return Ok(Self { classes, nodata: known.nodata, rice: Vec::new() });
            }
        }
        let mut others = STYLES.other.iter().cycle();
        let classes = (1u8..).zip(names).map(|(code, name)| {
            let name = name.as_ref().to_owned();
            let color = STYLES.color_of(&name).or_else(|| others.next().map(|c| c.0)).unwrap_or_default();
            ClassEntry { code, name, color }
        });
        Ok(Self { classes: classes.collect(), nodata: 0, rice: Vec::new() })
    }

    /// What must be said with these classes, as of stress: what it is evidence of.
    pub fn note(&self) -> Option<&'static str> {
        let own = |styled: &&StyledLegend| {
            let mut names = styled.classes.iter().map(|c| c.name.as_str()).filter(|n| *n != "non-rice");
            names.all(|n| self.code_of(n).is_some())
        };
        STYLES.legends.values().filter(|l| l.note.is_some()).find(own)?.note.as_deref()
    }

    /// The id of the legend in `styles/legends.json` whose classes these are, where there is one.
    pub fn style(&self) -> Option<&'static str> {
        let same = |known: &StyledLegend| {
            let own = |c: &ClassEntry| known.classes.iter().any(|k| (k.code, &k.name) == (c.code, &c.name));
            known.nodata == self.nodata && self.classes.iter().all(own)
        };
        STYLES.legends.iter().find(|(_, known)| same(known)).map(|(id, _)| id.as_str())
    }

    /// The class of a code.
    pub fn entry(&self, code: u8) -> Option<&ClassEntry> {
        self.classes.iter().find(|c| c.code == code)
    }

    /// The code of a class name.
    pub fn code_of(&self, name: &str) -> Option<u8> {
        self.classes.iter().find(|c| c.name == name).map(|c| c.code)
    }
}

/// The style of a raster of percent by what it measures: `probability` or `persistence`.
pub fn percent_style(label: &str) -> &'static str {
    if label.contains("years") { "persistence" } else { "probability" }
}

/// The ramp of a style of percent, from 0 to 100, where there is one.
pub fn percent_ramp(style: &str) -> Option<&'static [Hex]> {
    STYLES.ramps.get(style).map(Vec::as_slice)
}

/// What something is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

/// What a style or a class is called, where it is one of `styles/legends.json`.
pub fn names(id: &str) -> Option<&'static Names> {
    STYLES.names.get(id)
}

/// The colour of a percentage (0..100) on the ramp of a style.
pub fn percent_color(style: &str, percent: u8) -> [u8; 3] {
    let ramp = STYLES.ramps.get(style).unwrap_or(&STYLES.ramps["probability"]);
    let position = f32::from(percent.min(100)) / 100.0 * (ramp.len() - 1) as f32;
    let low = (position as usize).min(ramp.len() - 2);
    let share = position - low as f32;
    std::array::from_fn(|i| {
        let (a, b) = (f32::from(ramp[low].0[i]), f32::from(ramp[low + 1].0[i]));
        (a + (b - a) * share).round() as u8
    })
}

#[derive(Deserialize)]
struct Styles {
    legends: BTreeMap<String, StyledLegend>,
    other: Vec<Hex>,
    ramps: BTreeMap<String, Vec<Hex>>,
    names: BTreeMap<String, Names>,
}

#[derive(Deserialize)]
struct StyledLegend {
    nodata: u8,
    note: Option<String>,
    classes: Vec<StyledClass>,
}

#[derive(Deserialize)]
struct StyledClass {
    code: u8,
    name: String,
    color: Hex,
}

/// A colour written `#rrggbb`: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hex(pub [u8; 3]);

impl std::fmt::Display for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl TryFrom<String> for Hex {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.strip_prefix('#')
            .filter(|digits| digits.len() == 6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .map(|rgb| Self([(rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8]))
            .ok_or_else(|| format!("`{text}` is not a colour like #1b7837"))
    }
}

impl Styles {
    fn legend(&self, id: &str) -> Legend {
        let legend = &self.legends[id];
        let classes = legend.classes.iter().map(|c| ClassEntry {
            code: c.code,
            name: c.name.clone(),
            color: c.color.0,
        });
        Legend { classes: classes.collect(), nodata: legend.nodata, rice: Vec::new() }
    }

    fn color_of(&self, name: &str) -> Option<[u8; 3]> {
        self.legends.values().flat_map(|l| &l.classes).find(|c| c.name == name).map(|c| c.color.0)
    }
}

static STYLES: LazyLock<Styles> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../styles/legends.json")).expect("styles/legends.json is valid")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_class_names_get_the_codes_of_their_legend_whatever_the_order() {
        let legend = Legend::of_classes(&["non-rice", "single-rice"]).unwrap();
        assert_eq!((legend.code_of("single-rice"), legend.code_of("non-rice")), (Some(1), Some(3)));
        let legend = Legend::of_classes(&["stressed-rice", "unstressed-rice"]).unwrap();
        assert_eq!((legend.nodata, legend.code_of("stressed-rice")), (255, Some(2)));
        assert_eq!(Legend::of_classes(&["non-rice", "double-rice", "single-rice"]).unwrap(), Legend::rice());
    }

    #[test]
    fn classes_of_stress_say_what_they_are_evidence_of() {
        assert!(Legend::stress().note().unwrap().contains("not a soil test"));
        let two = Legend::of_classes(&["unstressed-rice", "stressed-rice"]).unwrap();
        assert_eq!(two.note(), Legend::stress().note());
        assert_eq!((Legend::rice().note(), Legend::land_cover().note()), (None, None));
    }

    #[test]
    fn other_class_names_count_from_one_with_distinct_colours() {
        let names: Vec<String> = (0..16).map(|i| format!("crop {i}")).collect();
        let legend = Legend::of_classes(&names).unwrap();
        assert_eq!(legend.classes.iter().map(|c| c.code).collect::<Vec<_>>(), (1..=16).collect::<Vec<_>>());
        let colours: BTreeSet<_> = legend.classes.iter().map(|c| c.color).collect();
        assert_eq!(colours.len(), 16);
        let legend = Legend::of_classes(&["non-rice", "rice"]).unwrap();
        assert_eq!((legend.code_of("non-rice"), legend.code_of("rice")), (Some(1), Some(2)));
        assert_eq!(legend.classes[0].color, Legend::rice().entry(3).unwrap().color);
    }

    #[test]
    fn bad_class_lists_are_refused() {
        assert_eq!(Legend::of_classes::<&str>(&[]), Err(LegendError::Empty));
        assert_eq!(Legend::of_classes(&["a", "a"]), Err(LegendError::Duplicate("a".into())));
        assert_eq!(Legend::of_classes(&vec!["a"; 255]), Err(LegendError::TooMany(255)));
    }
}
