//! Whether series that were made elsewhere are in the units of this crate: tables often hold
//! indices and reflectance times 10000, from which a model would learn nothing that holds elsewhere.

use super::recipe::Channel;

/// A share of impossible values above which the whole series is in other units.
const MOST_IMPOSSIBLE: f64 = 0.1;
/// The same for indices without firm limits: single values may lie anywhere.
const MOST_FAR: f64 = 0.5;

/// What a series can hold.
enum Limits {
    /// Nothing beyond is a measurement.
    Firm(f32, f32),
    /// Ratios whose denominator comes near 0 may lie beyond.
    Usual(f32, f32),
}

fn limits(channel: Channel) -> Limits {
    match channel {
        // As for the pixels of scenes.
        Channel::Band(_) => Limits::Firm(-0.3, 2.0),
        Channel::Index(index) | Channel::Formula(index) => match index.id {
            // Between -1 and 1; reflectance just below 0 leads a little further.
            "NDVI" | "NDRE" | "NDRE1" | "NDRE2" | "LSWI" | "MNDWI" | "NDWI" => Limits::Firm(-1.5, 1.5),
            "REP" | "rep-as-printed" => Limits::Usual(300.0, 1200.0),
            "EVI" | "RDVI" | "MCARI" => Limits::Usual(-10.0, 10.0),
            _ => Limits::Usual(-60.0, 60.0),
        },
    }
}

/// Refuses a series most of which cannot be, and makes the impossible values of another missing.
/// The note says how many.
///
/// # Errors
/// The values, and the scale that they seem to have.
pub fn check(channel: Channel, values: &mut [f32]) -> Result<Option<String>, String> {
    let (low, high, most, firm) = match limits(channel) {
        Limits::Firm(low, high) => (low, high, MOST_IMPOSSIBLE, true),
        Limits::Usual(low, high) => (low, high, MOST_FAR, false),
    };
    let there = values.iter().filter(|v| v.is_finite()).count();
    let beyond = |v: &f32| v.is_finite() && !(low..=high).contains(v);
    let mut odd: Vec<f32> = values.iter().copied().filter(beyond).collect();
    let (count, name) = (odd.len(), channel.name());
    if count as f64 > most * there as f64 {
        odd.sort_by(f32::total_cmp);
        let middle = odd[count / 2];
        // Reflectance and most indices are below 1 where they come from the field.
        let usual = if low > 1.0 { high } else { high.min(1.0) };
        let factor =
            [100.0, 1000.0, 10_000.0, 100_000.0].into_iter().find(|f| (low..=usual).contains(&(middle / f)));
        let way = match factor {
            Some(factor) => format!("is it multiplied by {factor}? Divide it by that"),
            None => "write it in the units of its formula".to_owned(),
        };
        return Err(format!(
            "{count} of {there} values of {name} lie beyond {low} to {high}, such as {middle}: {way}"
        ));
    }
    if !firm || count == 0 {
        return Ok(None);
    }
    values.iter_mut().filter(|v| beyond(v)).for_each(|v| *v = f32::NAN);
    Ok(Some(format!(
        "{count} of {there} values of {name} lie beyond {low} to {high} and are taken as missing, such as {}",
        odd[0]
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(name: &str, values: &[f32]) -> (Result<Option<String>, String>, Vec<f32>) {
        let mut values = values.to_vec();
        (check(Channel::parse(name).unwrap(), &mut values), values)
    }

    #[test]
    fn an_index_in_other_units_is_refused_with_its_scale() {
        let (found, _) = check_of("NDRE", &[1348.0, 1617.0, f32::NAN, 5546.0, 0.0]);
        let message = found.unwrap_err();
        assert!(message.starts_with("3 of 4 values of NDRE") && message.contains("by 10000?"), "{message}");
        assert!(check_of("B05", &[450.0, 1200.0]).0.unwrap_err().contains("10000"));
        assert!(check_of("NDVI", &[55.0, 80.0]).0.unwrap_err().contains("by 100?"));
        assert!(check_of("EVI", &[3000.0, 5000.0]).0.unwrap_err().contains("10000"));
        assert!(check_of("REP", &[7.1e6, 7.2e6]).0.unwrap_err().contains("10000"));
    }

    #[test]
    fn a_few_impossible_values_are_missing_and_counted() {
        let mut values = vec![0.4; 30];
        values[7] = -9999.0;
        let (found, values) = check_of("NDRE", &values);
        assert!(found.unwrap().unwrap().starts_with("1 of 30 values of NDRE"));
        assert!(values[7].is_nan() && values[8] == 0.4);
        assert_eq!(check_of("REP", &[715.0, 720.0, 4000.0]).0, Ok(None));
        assert_eq!(check_of("NDRE", &[0.1, -1.2, 1.0]).0, Ok(None));
        assert_eq!(check_of("NDRE", &[]).0, Ok(None));
    }
}
