//! Writes the configuration file of a service, one setting at a time.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

/// The settings of a configuration file by their dotted names, for example
/// `limits.concurrent_uploads`.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Sets a number or a truth value. A second call for the same setting replaces the value.
    pub fn set(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// Sets a text.
    pub fn set_text(&mut self, name: &str, text: impl Display) -> &mut Self {
        self.set(name, quoted(text))
    }

    /// Names the file that holds a secret.
    pub fn set_secret_file(&mut self, name: &str, path: impl Display) -> &mut Self {
        self.set(name, format_args!("{{ file = {} }}", quoted(path)))
    }

    /// Removes every setting of a section.
    pub fn remove_section(&mut self, section: &str) -> &mut Self {
        let inside = |name: &str| name.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
        self.0.retain(|name, _| !inside(name));
        self
    }
}

/// Writes the file as TOML, one setting on each line.
impl Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| writeln!(f, "{name} = {value}"))
    }
}

/// Writes a text in TOML's quotation marks.
pub(crate) fn quoted(text: impl Display) -> String {
    let mut quoted = String::from('"');
    for character in text.to_string().chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            plain => quoted.push(plain),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_last_value_of_each_setting() {
        let mut settings = Settings::default();
        settings.set("limits.uploads", 3).set_text("vault", "a \"b\"\\c\n").set("limits.uploads", 4);
        settings.set_secret_file("token", "/t").set("jobs.poll_ms", 1).remove_section("jobs");
        let expected = "limits.uploads = 4\ntoken = { file = \"/t\" }\nvault = \"a \\\"b\\\"\\\\c\\u000A\"\n";
        assert_eq!(settings.to_string(), expected);
    }
}
