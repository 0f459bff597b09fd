//! Names of files that are sent (RFC 6266): for clients that read ASCII alone, and as they are.

use std::path::Path;

use actix_files::NamedFile;
use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};

/// Most letters of a name that the server makes.
const LONGEST: usize = 80;

/// A file to be saved under this name.
pub fn attachment(name: &str) -> ContentDisposition {
    ContentDisposition { disposition: DispositionType::Attachment, parameters: parameters(name) }
}

fn parameters(name: &str) -> Vec<DispositionParam> {
    let plain = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '_' };
    let mut parameters = vec![DispositionParam::Filename(name.chars().map(plain).collect())];
    if !name.is_ascii() {
        let value = name.as_bytes().to_vec();
        let charset = Charset::Ext("UTF-8".to_owned());
        parameters.push(DispositionParam::FilenameExt(ExtendedValue { charset, language_tag: None, value }));
    }
    parameters
}

/// A file under its own name, told in both forms.
pub fn named_for_all(file: NamedFile) -> NamedFile {
    let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.is_ascii() {
        return file;
    }
    let disposition = file.content_disposition().disposition.clone();
    file.set_content_disposition(ContentDisposition { disposition, parameters: parameters(&name) })
}

/// A name for a new file that is called as something else is: no folder, and not too long for a disk.
pub fn file_name(called: &str) -> String {
    let name: String = called.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    Path::new(&name).file_name().map_or_else(|| "items".to_owned(), |n| n.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_told_beside_a_plain_one() {
        assert_eq!(attachment("mines.csv").to_string(), "attachment; filename=\"mines.csv\"");
        let told = attachment("湖南.csv").to_string();
        assert_eq!(told, "attachment; filename=\"__.csv\"; filename*=UTF-8''%E6%B9%96%E5%8D%97.csv");
        assert_eq!(file_name(&"湖".repeat(300)).chars().count(), LONGEST);
        assert_eq!(file_name("../x"), "x");
    }
}
