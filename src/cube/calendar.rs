//! Dates as days of a time grid: a model of one season reads every later one, whatever the year,
//! whether or not it runs over a New Year or holds a 29 February.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::block::day_of_series;
use super::regularize::TimeGrid;

/// Days of a year that is not a leap year.
const YEAR: f32 = 365.0;

/// How dates are days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calendar {
    /// Days that went by since 1 January of the first date's year, which is 1: as models of version
    /// 1 count.
    #[default]
    Elapsed,
    /// The same in years of 365 days, 29 February lying midway between its neighbours: a day of any
    /// year has the same number, up to whole years.
    Season,
}

impl Calendar {
    /// Days of rising dates from 1 January of the first one's year, which is 1.
    pub fn days(self, dates: &[Date]) -> Vec<f32> {
        let first_year = dates.first().map_or(1970, |d| d.year());
        let day = |&date: &Date| match self {
            Self::Elapsed => day_of_series(date, first_year),
            Self::Season => YEAR * f32::from(date.year() - first_year) + day_of_common_year(date),
        };
        dates.iter().map(day).collect()
    }

    /// The same, shifted by whole years to where a time grid has its steps: the grid of a season from
    /// 28 December to April begins on day 362, and the scenes of a later year may begin on 2 January.
    pub fn days_on(self, grid: &TimeGrid, dates: &[Date]) -> Vec<f32> {
        let days = self.days(dates);
        let shifted = |years: f32| -> Vec<f32> { days.iter().map(|d| d + YEAR * years).collect() };
        let share = |years: f32| grid.share_within(&shifted(years));
        let here = share(0.0);
        // What a model of version 1 could be applied to is mapped as it was then.
        if self == Self::Elapsed && here >= FEWEST_SHARE {
            return days;
        }
        let mut best = (here, 0.0);
        for years in [1.0, -1.0, 2.0, -2.0] {
            let found = share(years);
            if found > best.0 {
                best = (found, years);
            }
        }
        shifted(best.1)
    }
}

/// Share of a time grid's steps that dates must cover, that a model can be applied to them.
pub const FEWEST_SHARE: f64 = 0.5;

/// Day of year as in years without a 29 February, which is 59.5.
fn day_of_common_year(date: Date) -> f32 {
    let day = f32::from(date.day_of_year());
    match (date.in_leap_year(), date.month(), date.day()) {
        (true, 2, 29) => day - 0.5,
        (true, 3.., _) => day - 1.0,
        _ => day,
    }
}

/// A day of a time grid as day and month.
pub fn day_and_month(day: f32) -> String {
    const MONTHS: [(&str, i32); 12] = [
        ("January", 31),
        ("February", 28),
        ("March", 31),
        ("April", 30),
        ("May", 31),
        ("June", 30),
        ("July", 31),
        ("August", 31),
        ("September", 30),
        ("October", 31),
        ("November", 30),
        ("December", 31),
    ];
    let mut left = (day.round() as i32 - 1).rem_euclid(YEAR as i32);
    for (name, days) in MONTHS {
        if left < days {
            return format!("{} {name}", left + 1);
        }
        left -= days;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// A date every eight days.
    fn season(from: Date, to: Date) -> Vec<Date> {
        let mut dates = vec![from];
        while let Some(next) =
            dates.last().map(|d| d.saturating_add(jiff::Span::new().days(8))).filter(|d| *d <= to)
        {
            dates.push(next);
        }
        dates
    }

    #[test]
    fn a_day_of_any_year_has_the_same_number_up_to_whole_years() {
        let of = |dates: &[Date]| Calendar::Season.days(dates);
        assert_eq!(of(&[date(2019, 3, 1), date(2019, 12, 31)]), of(&[date(2020, 3, 1), date(2020, 12, 31)]));
        assert_eq!(of(&[date(2019, 12, 28), date(2020, 3, 1)]), [362.0, 425.0]);
        assert_eq!(of(&[date(2020, 12, 28), date(2021, 3, 1)]), [362.0, 425.0]);
        let leap = of(&[date(2020, 2, 28), date(2020, 2, 29), date(2020, 3, 1)]);
        assert_eq!(leap, [59.0, 59.5, 60.0]);
        assert_eq!(Calendar::Elapsed.days(&[date(2020, 2, 29), date(2021, 1, 1)]), [60.0, 367.0]);
    }

    #[test]
    fn a_season_over_the_new_year_meets_that_of_another_year_from_either_side() {
        let over = season(date(2021, 12, 28), date(2022, 4, 20));
        let after = season(date(2023, 1, 2), date(2023, 4, 21));
        let leap = season(date(2024, 1, 3), date(2024, 4, 21));
        for (trained, mapped) in [(&over, &after), (&after, &over), (&over, &leap), (&leap, &over)] {
            for calendar in [Calendar::Season, Calendar::Elapsed] {
                let grid = TimeGrid::covering(&calendar.days(trained), 5.0);
                let days = calendar.days_on(&grid, mapped);
                assert!(grid.share_within(&days) > 0.95, "{calendar:?} {} {days:?}", trained[0]);
            }
            let grid = TimeGrid::covering(&Calendar::Season.days(trained), 5.0);
            let days = Calendar::Season.days_on(&grid, mapped);
            let first_of_april = |dates: &[Date], days: &[f32]| {
                days[0] + Calendar::Season.days(&[dates[0], date(dates.last().unwrap().year(), 4, 1)])[1]
                    - Calendar::Season.days(dates)[0]
            };
            let own = first_of_april(trained, &Calendar::Season.days(trained));
            assert_eq!(first_of_april(mapped, &days), own);
        }
    }

    #[test]
    fn the_southern_season_of_any_year_is_that_of_another() {
        let first = season(date(2019, 10, 5), date(2020, 4, 25));
        let grid = TimeGrid::covering(&Calendar::Season.days(&first), 5.0);
        for later in
            [season(date(2020, 10, 1), date(2021, 4, 28)), season(date(2024, 11, 1), date(2025, 4, 28))]
        {
            assert!(grid.share_within(&Calendar::Season.days_on(&grid, &later)) > 0.8);
        }
        // Only the part after the New Year: a year back.
        let part = season(date(2022, 1, 2), date(2022, 4, 28));
        assert!(grid.share_within(&Calendar::Season.days_on(&grid, &part)) > 0.5);
        // Another season altogether.
        let northern = season(date(2022, 5, 10), date(2022, 9, 20));
        assert!(grid.share_within(&Calendar::Season.days_on(&grid, &northern)) < 0.1);
    }

    #[test]
    fn days_are_told_as_day_and_month() {
        for (day, told) in [
            (1.0, "1 January"),
            (59.0, "28 February"),
            (60.0, "1 March"),
            (362.0, "28 December"),
            (366.0, "1 January"),
            (-3.0, "28 December"),
        ] {
            assert_eq!(day_and_month(day), told);
        }
    }
}
