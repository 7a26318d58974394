//! The files of profiles as they are written, with what a lenient reader passes over: duplicates,
//! stray characters, lines that are neither section nor setting.
//!
//! Libraries that read them keep the last value and say nothing; here the mistakes are the point.
//! Must not know what a profile is (<https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>).

/// A file as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    /// The sections in order; a name may come twice.
    pub sections: Vec<Section>,
    /// What is odd in the text.
    pub problems: Vec<Problem>,
}

/// One `[name]` and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// From 1.
    pub line: usize,
    /// As written, white space collapsed.
    pub name: String,
    /// The settings in order; a key may come twice.
    pub settings: Vec<Setting>,
}

/// One `key = value`.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// From 1.
    pub line: usize,
    /// In lower case, as the AWS CLI and SDKs compare keys.
    pub key: String,
    /// As it stands after the equals sign, white space around it taken away.
    pub value: String,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.line, self.key)
    }
}

/// Something odd in a line. The words hold no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// In words.
    pub words: String,
    /// Whether some reader refuses the file, or takes another value than meant.
    pub serious: bool,
}

impl Ini {
    /// The value of a setting in the sections of a name; the last one counts, as
    /// for the SDKs that do not refuse a file with two.
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let sections = self.sections.iter().rev().filter(|candidate| candidate.name == section);
        let mut found = sections.flat_map(|section| section.settings.iter().rev());
        found.find(|setting| setting.key == key).map(|setting| setting.value.as_str())
    }

    /// Whether there is a section of a name.
    pub fn has(&self, section: &str) -> bool {
        self.sections.iter().any(|candidate| candidate.name == section)
    }
}

/// Reads a file; what cannot be understood is a problem, never an error.
pub(super) fn parse(text: &str) -> Ini {
    let mut ini = Ini::default();
    let problem = |line: usize, words: &str, serious: bool| Problem {
        line,
        words: words.to_owned(),
        serious,
    };
    let (text, marked) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    if marked {
        ini.problems.push(problem(1, "begins with a byte order mark", true));
    }
    for (index, whole) in text.split('\n').enumerate() {
        let number = index + 1;
        let line = whole.strip_suffix('\r').unwrap_or(whole);
        if let Some(words) = odd_characters(line) {
            ini.problems.push(problem(number, words, true));
        }
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix('[') {
            let Some((name, after)) = rest.split_once(']') else {
                ini.problems.push(problem(number, "is a section without its closing `]`", true));
                continue;
            };
            if !after.trim().is_empty() && !after.trim().starts_with(['#', ';']) {
                ini.problems.push(problem(number, "has text after the section's `]`", true));
            }
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            if name.is_empty() {
                ini.problems.push(problem(number, "is a section without a name", true));
            }
            if let Some(first) = ini.sections.iter().find(|section| section.name == name) {
                let words = format!(
                    "repeats section [{name}] of line {}: the AWS CLI refuses the whole file",
                    first.line
                );
                ini.problems.push(problem(number, &words, true));
            }
            ini.sections.push(Section { line: number, name, settings: Vec::new() });
            continue;
        }
        let Some(section) = ini.sections.last_mut() else {
            ini.problems.push(problem(
                number,
                "stands before any section: the AWS CLI refuses the whole file",
                true,
            ));
            continue;
        };
        // Nested settings, such as those of `s3 =`, are indented below their parent.
        if line.starts_with([' ', '\t']) && !section.settings.is_empty() {
            let parent = section.settings.last().is_some_and(|last| last.value.is_empty());
            let nested = section.settings.last().is_some_and(|last| last.key.is_empty());
            if parent || nested {
                section.settings.push(Setting {
                    line: number,
                    key: String::new(),
                    value: String::new(),
                });
                continue;
            }
            let words = "is indented: the AWS CLI takes it for more of the line before";
            ini.problems.push(problem(number, words, true));
        }
        let Some((key, value)) = trimmed.split_once('=') else {
            ini.problems.push(problem(number, "is neither a section nor `key = value`", true));
            continue;
        };
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        if key.split_whitespace().count() > 1 {
            let words = if key.starts_with("export ") {
                "is a shell command (`export`), not a setting"
            } else {
                "has white space in the name of the setting"
            };
            ini.problems.push(problem(number, words, true));
        }
        if let Some(first) = section.settings.iter().find(|setting| setting.key == key) {
            let words = format!(
                "sets {key} again, after line {}: the AWS CLI refuses the whole file",
                first.line
            );
            ini.problems.push(problem(number, &words, true));
        }
        if quoted(value) {
            let words = format!("has quotation marks around {key}: they become part of the value");
            ini.problems.push(problem(number, &words, true));
        }
        if [" #", " ;", "\t#", "\t;"].iter().any(|mark| value.contains(mark)) {
            let words = format!(
                "has a comment after the value of {key}: the AWS CLI takes it for part of the value"
            );
            ini.problems.push(problem(number, &words, true));
        }
        section.settings.push(Setting { line: number, key, value: value.to_owned() });
    }
    ini
}

fn quoted(value: &str) -> bool {
    let marks = ['"', '\'', '\u{201c}', '\u{201d}'];
    value.len() > 1 && value.starts_with(marks) && value.ends_with(marks)
}

fn odd_characters(line: &str) -> Option<&'static str> {
    if line.contains('\r') {
        Some("has a carriage return inside the line")
    } else if line.contains('\u{a0}') {
        Some("has a non-breaking space")
    } else if line.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']) {
        Some("has typographic quotation marks, as word processors make them")
    } else if line
        .chars()
        .any(|c| c.is_control() && c != '\t' || ('\u{200b}'..='\u{200f}').contains(&c))
    {
        Some("has characters that cannot be seen")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(usize, String)> {
        parse(text).problems.into_iter().map(|problem| (problem.line, problem.words)).collect()
    }

    #[test]
    fn reads_what_is_meant() {
        let ini = parse(
            "# mine\n[default]\naws_access_key_id = AKIADEPLOYCI1EXAMPLE\r\n\
             s3 =\n  max_concurrent_requests = 20\n  addressing_style = path\nregion=eu-west-1\n\n\
             [ profile   a ]\nREGION = us-east-1\n",
        );
        assert_eq!(ini.problems, []);
        assert_eq!(ini.get("default", "aws_access_key_id"), Some("AKIADEPLOYCI1EXAMPLE"));
        assert_eq!(ini.get("default", "region"), Some("eu-west-1"));
        assert_eq!(ini.get("default", "addressing_style"), None, "it belongs to s3");
        assert_eq!(ini.get("profile a", "region"), Some("us-east-1"));
    }

    #[test]
    fn names_what_a_lenient_reader_passes_over() {
        let cases = [
            ("\u{feff}[default]\n", 1, "byte order mark"),
            ("region = x\n[a]\n", 1, "before any section"),
            ("[a\nregion = x\n", 1, "closing"),
            ("[a]\nregion\n", 2, "neither"),
            ("[a]\nx = 1\n[a]\ny = 1\n", 3, "repeats section [a] of line 1"),
            ("[a]\nx = 1\nX = 2\n", 3, "sets x again, after line 2"),
            ("[a]\nx = \"1\"\n", 2, "quotation marks around x"),
            ("[a]\nx = 1 # mine\n", 2, "comment after the value"),
            ("[a]\nexport x = 1\n", 2, "shell command"),
            ("[a]\nx = 1\n  y = 2\n", 3, "indented"),
            ("[a]\nx =\u{a0}1\n", 2, "non-breaking"),
            ("[a]\nx = 1\u{200b}\n", 2, "cannot be seen"),
            ("[a] b\n", 1, "after the section"),
        ];
        for (text, line, words) in cases {
            let found = problems(text);
            let hit = found.iter().any(|(at, said)| *at == line && said.contains(words));
            assert!(hit, "{text:?}: {found:?}");
        }
    }

    #[test]
    fn values_are_never_printed() {
        let ini = parse("[a]\nx = SECRET\nx = SECRET\ny = \"SECRET\"\nSECRET\nz = 1 # SECRET\n");
        assert!(ini.problems.len() >= 4);
        assert!(!format!("{ini:?}").contains("SECRET"));
    }
}
