//! What class names mean: which classes of a legend are rice, and which of those are stressed.
//! The one place that decides it.

use super::Legend;

/// What a class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Rice of some kind, of which nothing else is said.
    Rice,
    /// Rice that is stressed.
    StressedRice,
    /// Rice that is not stressed.
    UnstressedRice,
    /// Anything else, and every name that is not known.
    Other,
}

/// Names of rice, normalized, by the name that the legends of this program have for it, where there
/// is one of exactly that meaning.
const RICE: &[(Option<&str>, &[&str])] = &[
    (Some("rice"), &["rice", "paddy", "paddyrice", "水稻", "稻", "稻田", "稻谷"]),
    (Some("single-rice"), &["singlerice", "单季稻", "一季稻", "单季水稻"]),
    (Some("double-rice"), &["doublerice", "双季稻", "双季水稻"]),
    (
        None,
        &[
            "早稻",
            "中稻",
            "晚稻",
            "单季晚稻",
            "一季晚稻",
            "一晚",
            "双季早稻",
            "双季晚稻",
            "再生稻",
            "早晚稻",
            "稻虾",
            "稻油",
            "稻鱼",
            "籼稻",
            "粳稻",
            "杂交稻",
        ],
    ),
];
/// Names of rice under stress.
const STRESSED: &[&str] = &[
    "stressed",
    "stressedrice",
    "受胁迫",
    "受胁迫水稻",
    "受胁迫(水稻)",
    "胁迫",
    "胁迫水稻",
    "重金属胁迫",
    "镉胁迫",
    "轻度胁迫",
    "中度胁迫",
    "重度胁迫",
];
/// Names of rice without stress.
const UNSTRESSED: &[&str] = &[
    "unstressed",
    "unstressedrice",
    "未受胁迫",
    "未受胁迫水稻",
    "未受胁迫(水稻)",
    "无胁迫",
    "未胁迫",
    "非胁迫",
    "正常水稻",
    "健康水稻",
    "healthyrice",
    "normalrice",
];
/// Names that mean rice without stress beside a class of stressed rice, and nothing by themselves.
const UNSTRESSED_BESIDE_STRESSED: &[&str] = &["正常", "健康", "对照", "healthy", "normal", "control"];
/// Names of what is not rice, for the one class that the legends have for it.
const NOT_RICE: &[&str] = &["nonrice", "notrice", "norice", "非水稻", "非稻"];

/// A name as it is compared: full-width letters and compatibility forms as their usual ones, small
/// letters, without blanks, `-` and `_`. Names are compared whole: 非水稻 (not rice) holds 水稻 (rice).
fn normalized(name: &str) -> String {
    let usual = icu_normalizer::ComposingNormalizerBorrowed::new_nfkc().normalize(name);
    usual.to_lowercase().chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_')).collect()
}

/// English names such as `summer-rice` or `Early rice`: the last word is rice, and none denies it.
fn ends_with_the_word_rice(name: &str) -> bool {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_')).collect();
    words.last() == Some(&"rice") && !words.iter().any(|w| matches!(*w, "non" | "not" | "no" | "other"))
}

/// What a name means by itself.
fn role_of(name: &str) -> Role {
    let key = normalized(name);
    let among = |list: &[&str]| list.contains(&key.as_str());
    if among(STRESSED) {
        Role::StressedRice
    } else if among(UNSTRESSED) {
        Role::UnstressedRice
    } else if !among(NOT_RICE) && (RICE.iter().any(|r| among(r.1)) || ends_with_the_word_rice(name)) {
        Role::Rice
    } else {
        Role::Other
    }
}

/// The name that the legends of this program have for what a class name means: 单季稻 is
/// `single-rice`. `None` where they have none that means exactly that.
pub fn usual_name(name: &str) -> Option<&'static str> {
    let key = normalized(name);
    let among = |list: &[&str]| list.contains(&key.as_str());
    match role_of(name) {
        Role::StressedRice => Some("stressed-rice"),
        Role::UnstressedRice => Some("unstressed-rice"),
        Role::Rice => RICE.iter().find(|r| among(r.1)).and_then(|r| r.0),
        Role::Other if among(NOT_RICE) => Some("non-rice"),
        Role::Other if among(UNSTRESSED_BESIDE_STRESSED) => Some("unstressed-rice"),
        Role::Other => None,
    }
}

/// What each of several classes is. `declared` are the codes or positions that a user named as
/// rice; where some are named, the others are not rice.
fn roles<'a>(names: impl Iterator<Item = &'a str>, declared: impl Fn(usize) -> Option<bool>) -> Vec<Role> {
    let names: Vec<&str> = names.collect();
    let stress = names.iter().any(|name| role_of(name) == Role::StressedRice);
    let role = |(k, name): (usize, &&str)| {
        let by_name = match role_of(name) {
            Role::Other if stress && UNSTRESSED_BESIDE_STRESSED.contains(&normalized(name).as_str()) => {
                Role::UnstressedRice
            }
            role => role,
        };
        match declared(k) {
            Some(false) => Role::Other,
            Some(true) if by_name == Role::Other => Role::Rice,
            _ => by_name,
        }
    };
    names.iter().enumerate().map(role).collect()
}

/// A legend in which no class is rice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RiceError {
    /// No name is known to be rice, and none was named.
    #[error(
        "no class is known to be rice: found {found}. Say which are by `riceClasses`, a list of class names"
    )]
    NoRice {
        /// The classes there are.
        found: String,
    },
    /// A class that was named as rice is not there.
    #[error("`{name}` is none of the classes {found}")]
    Unknown {
        /// Its position in the list.
        position: usize,
        /// What was named.
        name: String,
        /// The classes there are.
        found: String,
    },
    /// The list of classes that are rice is empty.
    #[error("names no class; leave it out, or name the classes of rice among {found}")]
    Empty {
        /// The classes there are.
        found: String,
    },
}

/// Refuses classes among which nothing is rice, whether by name or because `declared` says so.
///
/// # Errors
/// [`RiceError`], naming the classes.
pub fn check_rice<S: AsRef<str>>(classes: &[S], declared: Option<&[String]>) -> Result<(), RiceError> {
    let found = || classes.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    let Some(declared) = declared else {
        let roles = roles(classes.iter().map(AsRef::as_ref), |_| None);
        let rice = roles.iter().any(|role| *role != Role::Other);
        return if rice { Ok(()) } else { Err(RiceError::NoRice { found: found() }) };
    };
    if declared.is_empty() {
        return Err(RiceError::Empty { found: found() });
    }
    let known = |name: &String| classes.iter().any(|c| c.as_ref() == name);
    match declared.iter().enumerate().find(|(_, name)| !known(name)) {
        Some((position, name)) => Err(RiceError::Unknown { position, name: name.clone(), found: found() }),
        None => Ok(()),
    }
}

impl Legend {
    /// What each class is, in the order of the classes: as a user declared it, else by its name.
    pub fn roles(&self) -> Vec<Role> {
        let declared = |k: usize| (!self.rice.is_empty()).then(|| self.rice.contains(&self.classes[k].code));
        roles(self.classes.iter().map(|c| c.name.as_str()), declared)
    }

    /// Which classes are rice of some kind, in the order of the classes.
    pub fn is_rice(&self) -> Vec<bool> {
        self.roles().iter().map(|role| *role != Role::Other).collect()
    }

    /// Positions of the classes of stressed rice.
    pub fn stressed(&self) -> Vec<usize> {
        let roles = self.roles();
        (0..roles.len()).filter(|&k| roles[k] == Role::StressedRice).collect()
    }

    /// The same legend with the classes that are rice kept in it, where a user declared them.
    ///
    /// # Errors
    /// [`RiceError`]: no class is rice, or a declared one is not there.
    pub fn with_rice(mut self, declared: Option<&[String]>) -> Result<Self, RiceError> {
        let names: Vec<&str> = self.classes.iter().map(|c| c.name.as_str()).collect();
        if let Some(declared) = declared {
            check_rice(&names, Some(declared))?;
            self.rice = self.classes.iter().filter(|c| declared.contains(&c.name)).map(|c| c.code).collect();
        } else if self.is_rice().iter().all(|rice| !rice) {
            return Err(RiceError::NoRice { found: names.join(", ") });
        }
        Ok(self)
    }

    /// The codes of a class by its name, or else by what the name means: `stressed-rice` finds
    /// every class of stressed rice.
    pub fn codes_meant(&self, name: &str) -> Vec<u8> {
        if let Some(code) = self.code_of(name) {
            return vec![code];
        }
        match role_of(name) {
            Role::StressedRice => self.stressed().iter().map(|&k| self.classes[k].code).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legend(names: &[&str]) -> Legend {
        Legend::of_classes(names).unwrap()
    }

    #[test]
    fn rice_is_known_by_whole_names_in_english_and_chinese() {
        for name in [
            "rice",
            "Rice",
            "single-rice",
            "double_rice",
            "early rice",
            "Paddy Rice",
            "水稻",
            "双季稻",
            " 早稻 ",
            "ｒｉｃｅ",
            "再生稻",
            "summer-rice",
        ] {
            assert_eq!(role_of(name), Role::Rice, "{name}");
        }
        for name in [
            "non-rice",
            "Non Rice",
            "not_rice",
            "no rice",
            "非水稻",
            "非稻",
            "水田",
            "旱稻",
            "price",
            "forest",
            "水体",
            "水稻?",
        ] {
            assert_eq!(role_of(name), Role::Other, "{name}");
        }
    }

    #[test]
    fn stress_is_known_by_whole_names_in_english_and_chinese() {
        for (name, role) in [
            ("stressed-rice", Role::StressedRice),
            ("受胁迫水稻", Role::StressedRice),
            ("受胁迫（水稻）", Role::StressedRice),
            ("重度胁迫", Role::StressedRice),
            ("unstressed-rice", Role::UnstressedRice),
            ("未受胁迫", Role::UnstressedRice),
            ("非胁迫", Role::UnstressedRice),
            ("污染", Role::Other),
            ("正常", Role::Other),
        ] {
            assert_eq!(role_of(name), role, "{name}");
        }
        let stress = legend(&["正常", "胁迫", "水体"]);
        assert_eq!(stress.roles(), [Role::UnstressedRice, Role::StressedRice, Role::Other]);
        assert_eq!(legend(&["normal", "flooded"]).is_rice(), [false, false]);
    }

    #[test]
    fn a_legend_without_rice_is_refused_and_names_its_classes() {
        let error = legend(&["甲", "乙"]).with_rice(None).unwrap_err().to_string();
        assert!(error.contains("甲, 乙") && error.contains("`riceClasses`"), "{error}");
        let declared = legend(&["甲", "乙"]).with_rice(Some(&["乙".to_owned()])).unwrap();
        assert_eq!((declared.is_rice(), &declared.rice[..]), (vec![false, true], &[2u8][..]));
        let json = serde_json::to_string(&declared).unwrap();
        assert_eq!(serde_json::from_str::<Legend>(&json).unwrap(), declared);
        let unknown = legend(&["甲", "乙"]).with_rice(Some(&["丙".to_owned()])).unwrap_err().to_string();
        assert!(unknown.contains("`丙`") && unknown.contains("甲, 乙"), "{unknown}");
        assert!(legend(&["rice", "other"]).with_rice(Some(&[])).is_err());
    }

    #[test]
    fn what_a_user_declares_to_be_rice_stands_before_the_names() {
        let declared = legend(&["rice", "水田", "other"]).with_rice(Some(&["水田".to_owned()])).unwrap();
        assert_eq!(declared.is_rice(), [false, true, false]);
    }

    #[test]
    fn names_of_one_meaning_have_one_usual_name() {
        for (name, usual) in [
            ("单季稻", Some("single-rice")),
            ("双季稻", Some("double-rice")),
            ("水稻", Some("rice")),
            ("非水稻", Some("non-rice")),
            ("未受胁迫水稻", Some("unstressed-rice")),
            ("健康", Some("unstressed-rice")),
            ("镉胁迫", Some("stressed-rice")),
            ("早稻", None),
            ("水体", None),
        ] {
            assert_eq!(usual_name(name), usual, "{name}");
        }
        assert_eq!(legend(&["受胁迫水稻", "未受胁迫水稻"]).codes_meant("stressed-rice"), [1]);
    }
}
