//! The word that was meant: suggestions in error texts.

/// The word that is nearest to `word` by edits, where one is near enough to be a slip of it.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = word.chars().count();
    if letters > 100 {
        return None;
    }
    let limit = (letters / 3).max(if letters > 3 { 2 } else { 1 });
    known.map(|k| (edits(word, k), k)).filter(|&(d, _)| d <= limit).min().map(|(_, k)| k)
}

/// ``; did you mean `x`? (known: x, y)``, to stand behind what is wrong with `word`.
pub fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = nearest(word, known.clone());
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let known = known.collect::<Vec<_>>().join(", ");
    if known.is_empty() { near } else { format!("{near} (known: {known})") }
}

/// Levenshtein distance, case-blind.
fn edits(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_as_by_levenshtein() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(nearest("rise-map", ["rice-map", "stress-map"].into_iter()), Some("rice-map"));
        assert_eq!(nearest("xyz", ["rice-map"].into_iter()), None);
        assert_eq!(
            hint("zonse", ["zones", "mines"].into_iter()),
            "; did you mean `zones`? (known: zones, mines)"
        );
        assert_eq!(hint("x", [].into_iter()), "");
    }
}
