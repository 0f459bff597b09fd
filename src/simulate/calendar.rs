//! What grows where and when: the crop calendars of Hunan's lowland, as leaf area,
//! chlorophyll and what lies under the leaves by day of year.

use super::hash::{normal, uniform};

/// Number of backgrounds in the canopy table.
pub const BACKGROUNDS: usize = 5;
const DRY: usize = 0;
const WET: usize = 1;
const FLOODED: usize = 2;
const WATER: usize = 3;
const PAVED: usize = 4;

/// What a parcel carries for a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cover {
    /// One crop of rice, transplanted from late May to mid June.
    SingleRice,
    /// Early rice from April, late rice from July.
    DoubleRice,
    /// Maize, in spring or in summer.
    Corn,
    /// Soybean, in spring or in summer.
    Soybean,
    /// Grass, fallow, vegetables.
    Grass,
    /// Evergreen and mixed forest.
    Forest,
    /// Rivers and ponds.
    Water,
    /// Towns and villages.
    Town,
    /// Bare ground, quarries, spoil heaps.
    Bare,
}

impl Cover {
    /// Code in the rice map: 1 single rice, 2 double rice, 3 non-rice.
    pub fn rice_code(self) -> u8 {
        match self {
            Self::SingleRice => 1,
            Self::DoubleRice => 2,
            _ => 3,
        }
    }

    /// Code in the land cover map: 1 rice, 2 forest, 3 grass (and dry crops), 4 water, 5 urban, 6 bare.
    pub fn cover_code(self) -> u8 {
        match self {
            Self::SingleRice | Self::DoubleRice => 1,
            Self::Forest => 2,
            Self::Corn | Self::Soybean | Self::Grass => 3,
            Self::Water => 4,
            Self::Town => 5,
            Self::Bare => 6,
        }
    }

    /// Whether rice grows here.
    pub fn is_rice(self) -> bool {
        self.rice_code() < 3
    }
}

/// Leaf area (m2/m2), chlorophyll (ug/cm2) and the shares of the backgrounds.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// One-sided leaf area per ground.
    pub leaf_area: f32,
    /// Chlorophyll a + b per leaf.
    pub chlorophyll: f32,
    /// Dry soil, wet soil, shallow water, deep water, pavement; about 1 in all (brightness varies).
    pub background: [f32; BACKGROUNDS],
}

/// A crop from its start to its end.
struct Cycle {
    /// Sowing or transplanting, day of year.
    start: f32,
    /// Harvest.
    end: f32,
    /// Leaf area at its height.
    leaf_area: f32,
    /// Chlorophyll of young leaves.
    chlorophyll: f32,
}

impl Cycle {
    /// Leaf area and chlorophyll on a day: a logistic rise, a logistic fall, yellowing towards the end.
    fn on(&self, day: f32) -> (f32, f32) {
        let length = self.end - self.start;
        let rise = logistic((day - self.start - 0.29 * length) / 7.0);
        let fall = logistic((self.end - 4.0 - day) / 6.0);
        let ripe = logistic((day - self.end + 0.17 * length) / 6.0);
        let cut = logistic((self.end + 2.0 - day) / 1.5);
        (self.leaf_area * rise * (0.45 + 0.55 * fall) * cut, self.chlorophyll * (1.0 - 0.62 * ripe))
    }

    /// How much water stands in the field: from puddling until two thirds of the growth.
    fn flood(&self, day: f32) -> f32 {
        let length = self.end - self.start;
        logistic(0.5 * (day - (self.start - 11.0))) * logistic((self.start + 0.62 * length - day) / 3.0)
    }
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// A parcel's year: the cover, and how its farmer and its soil differ from others'.
#[derive(Clone, Copy, Debug)]
pub struct Year {
    /// What grows.
    pub cover: Cover,
    /// A hash of parcel and year: every draw comes from it.
    pub id: u64,
    /// Days by which the whole county is late.
    pub lateness: f32,
    /// Share of chlorophyll lost to heavy metals, before 0.5 (0..1).
    pub damage: f32,
}

impl Year {
    /// The state on a day of year.
    pub fn state(&self, day: f32) -> State {
        let id = self.id;
        let vigour = 1.0 + 0.16 * normal(id, 1);
        let green = 1.0 + 0.09 * normal(id, 2);
        let late = self.lateness + 7.0 * normal(id, 3);
        let moist = uniform(id, 4);
        let day = day - late;
        let mut background = [0.0; BACKGROUNDS];
        // Weeds between crops; some winter fields carry rape or milk vetch until May.
        let green_winter = uniform(id, 5) < 0.28;
        let weeds = |until: f32| {
            let weeds = 0.15 + 0.5 * uniform(id, 6);
            let winter = if green_winter { 2.2 * logistic((118.0 - day) / 5.0) } else { weeds };
            winter * logistic((until - 14.0 - day) / 3.0)
        };
        let mut cycles: Vec<Cycle> = Vec::new();
        let crop = |start: f32, length: f32, leaf_area: f32, chlorophyll: f32| Cycle {
            start,
            end: start + length,
            leaf_area: leaf_area * vigour,
            chlorophyll: chlorophyll * green,
        };
        let (mut leaf_area, mut chlorophyll) = (0.0, 34.0);
        match self.cover {
            Cover::SingleRice => cycles.push(crop(149.0, 118.0 + 6.0 * normal(id, 7), 5.2, 42.0)),
            Cover::DoubleRice => {
                cycles.push(crop(110.0, 86.0 + 3.0 * normal(id, 7), 4.4, 41.0));
                cycles.push(crop(206.0 + 3.0 * normal(id, 8), 96.0, 4.9, 42.0));
            }
            Cover::Corn if uniform(id, 9) < 0.6 => {
                cycles.push(crop(94.0, 118.0, 4.2, 50.0));
                if uniform(id, 10) < 0.45 {
                    cycles.push(crop(219.0, 100.0, 3.2, 36.0));
                }
            }
            Cover::Corn => cycles.push(crop(163.0, 108.0, 4.2, 50.0)),
            Cover::Soybean if uniform(id, 9) < 0.45 => cycles.push(crop(97.0, 104.0, 4.4, 40.0)),
            Cover::Soybean => cycles.push(crop(158.0, 106.0, 4.4, 40.0)),
            Cover::Grass => {
                let summer = logistic((day - 100.0) / 14.0) * logistic((282.0 - day) / 16.0);
                leaf_area = (0.9 + 1.9 * summer) * vigour;
                chlorophyll = (27.0 + 9.0 * summer) * green;
            }
            Cover::Forest => {
                let summer = logistic((day - 105.0) / 9.0) * logistic((300.0 - day) / 12.0);
                let deciduous = 0.45 * uniform(id, 9);
                leaf_area = 5.4 * vigour * (1.0 - deciduous * (1.0 - summer));
                chlorophyll = 55.0 * green;
            }
            Cover::Town => leaf_area = 0.15 + 0.7 * uniform(id, 9),
            Cover::Bare => leaf_area = 0.25 * uniform(id, 9),
            Cover::Water => {}
        }
        let mut flood = 0.0_f32;
        if let Some(first) = cycles.first() {
            leaf_area = weeds(first.start);
            if let Some(last) = cycles.last() {
                leaf_area += 0.35 * uniform(id, 11) * logistic((day - last.end - 14.0) / 5.0);
            }
        }
        for cycle in &cycles {
            let (area, pigment) = cycle.on(day);
            if area > leaf_area {
                chlorophyll = pigment;
            }
            leaf_area += area;
            flood = flood.max(cycle.flood(day));
        }
        match self.cover {
            Cover::Water => background[WATER] = 0.85 + 0.3 * moist,
            Cover::Town => {
                background[PAVED] = 0.55 + 0.5 * moist;
                background[DRY] = 0.2;
            }
            Cover::Bare => background[DRY] = 0.8 + 0.3 * moist,
            _ => {
                let flood = if self.cover.is_rice() { flood * (0.75 + 0.25 * uniform(id, 12)) } else { 0.0 };
                let wet = if self.cover.is_rice() { 0.75 } else { 0.2 + 0.5 * moist };
                background[FLOODED] = flood;
                background[WET] = (1.0 - flood) * wet;
                background[DRY] = (1.0 - flood) * (1.0 - wet) * (0.85 + 0.3 * moist);
            }
        }
        State {
            leaf_area: leaf_area * (1.0 - 0.28 * self.damage),
            chlorophyll: chlorophyll * (1.0 - 0.5 * self.damage),
            background,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(cover: Cover, day: f32) -> State {
        let states: Vec<State> =
            (0..200).map(|id| Year { cover, id, lateness: 0.0, damage: 0.0 }.state(day)).collect();
        let mean = |get: fn(&State) -> f32| states.iter().map(get).sum::<f32>() / states.len() as f32;
        State {
            leaf_area: mean(|s| s.leaf_area),
            chlorophyll: mean(|s| s.chlorophyll),
            background: [0.0, 0.0, mean(|s| s.background[FLOODED]), 0.0, 0.0],
        }
    }

    #[test]
    fn paddies_are_flooded_at_transplanting_and_dry_crops_never() {
        assert!(mean(Cover::SingleRice, 152.0).background[FLOODED] > 0.7);
        assert!(mean(Cover::SingleRice, 110.0).background[FLOODED] < 0.1);
        assert!(mean(Cover::DoubleRice, 115.0).background[FLOODED] > 0.7);
        assert!(mean(Cover::DoubleRice, 210.0).background[FLOODED] > 0.7);
        assert_eq!(mean(Cover::Soybean, 160.0).background[FLOODED], 0.0);
    }

    #[test]
    fn double_rice_has_two_seasons_and_single_rice_one() {
        let leaves = |cover, day| mean(cover, day).leaf_area;
        assert!(leaves(Cover::DoubleRice, 165.0) > 3.0 && leaves(Cover::DoubleRice, 258.0) > 3.0);
        assert!(leaves(Cover::DoubleRice, 207.0) < 1.2);
        assert!(leaves(Cover::SingleRice, 150.0) < 1.0 && leaves(Cover::SingleRice, 215.0) > 4.0);
    }
}
