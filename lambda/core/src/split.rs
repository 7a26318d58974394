//! The general reader: cuts text in any of the accepted forms into single documents.
//!
//! Accepted are an object with an array `Records` or `Events`, an array, objects one after another
//! (JSON Lines or pretty-printed), each with white space and a byte order mark as may be. The text
//! comes in pieces of any size and only one document at a time is kept, so that a stream needs no
//! more memory than its largest document. What a document means is not known here: see `document`.

use memchr::memchr3;

/// The largest document that is kept. CloudTrail records are at most 1 MB
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>).
pub const LARGEST_DOCUMENT: usize = 64 << 20;

/// The byte order mark of UTF-8.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The longest key that is looked at: seven letters, each escaped.
const LONGEST_KEY: usize = 48;

/// What a piece of text gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The text of one object, from brace to brace; what is between may still be no JSON.
    Document(&'a [u8]),
    /// Something that is no document; reading goes on after it.
    Broken(Broken),
}

/// Why something is no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Broken {
    /// Neither an object nor an array.
    NotJson,
    /// An element of an array that is no object.
    NotAnObject,
    /// A string that goes on over the end of a line.
    LineBreakInString,
    /// Larger than [`LARGEST_DOCUMENT`].
    TooLarge,
    /// The text ends inside a document.
    Truncated,
    /// Something other than a comma or a bracket between elements; the rest is not read.
    NoSeparator,
}

impl Broken {
    /// The reason in words, to follow the name of a file.
    pub fn describe(self) -> &'static str {
        match self {
            Broken::NotJson => "text that is not JSON",
            Broken::NotAnObject => "an array element that is not an object",
            Broken::LineBreakInString => "invalid JSON: a line break inside a string",
            Broken::TooLarge => "a document of more than 64 MiB",
            Broken::Truncated => "the text ends in the middle of a document",
            Broken::NoSeparator => "invalid JSON between two records; the rest was not read",
        }
    }
}

/// Where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between documents at the top.
    Top,
    /// Passing over a line that is not JSON.
    BadLine,
    /// In an array of documents: before an element, or after one.
    Array { after: bool },
    /// In a document.
    Document,
    /// In an object whose array of documents has been read: the rest of its members.
    Members,
    /// In an array element that is no object.
    Scalar,
    /// Nothing more is read.
    Stopped,
}

/// Cuts text into documents.
#[derive(Debug)]
pub struct Splitter {
    state: State,
    /// Whether the array of documents is a member of an object.
    in_object: bool,
    /// Whether any array of documents is open.
    in_array: bool,
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// The document so far.
    kept: Vec<u8>,
    /// Where in `kept` the last string at depth 1 lies.
    string: (usize, usize),
    /// Whether the last thing at depth 1 was that string and a colon.
    after_colon: bool,
    /// How much of a byte order mark has been read; one may also stand where files were joined.
    mark: usize,
    /// Whether the last thing at the top was no JSON.
    not_json: bool,
}

impl Default for Splitter {
    fn default() -> Self {
        Splitter {
            state: State::Top,
            in_object: false,
            in_array: false,
            depth: 0,
            in_string: false,
            escaped: false,
            kept: Vec::new(),
            string: (0, 0),
            after_colon: false,
            mark: 0,
            not_json: false,
        }
    }
}

impl Splitter {
    /// Takes the next piece of the text.
    pub fn push(&mut self, text: &[u8], emit: &mut impl FnMut(Piece<'_>)) {
        let mut at = 0;
        while at < text.len() {
            at += match self.state {
                State::Top => self.top(&text[at..], emit),
                State::BadLine => self.bad_line(&text[at..]),
                State::Array { after } => self.array(text[at], after, emit),
                State::Document => self.document(&text[at..], emit),
                State::Members => self.members(&text[at..]),
                State::Scalar => self.scalar(&text[at..]),
                State::Stopped => text.len() - at,
            };
        }
    }

    /// Ends the text.
    pub fn finish(mut self, emit: &mut impl FnMut(Piece<'_>)) {
        if self.mark > 0 {
            self.not_json(emit);
        }
        if !matches!(self.state, State::Top | State::BadLine | State::Stopped) {
            emit(Piece::Broken(Broken::Truncated));
        }
    }

    fn top(&mut self, text: &[u8], emit: &mut impl FnMut(Piece<'_>)) -> usize {
        if text[0] == MARK[self.mark] {
            self.mark = (self.mark + 1) % MARK.len();
            return 1;
        }
        if self.mark == 0 {
            match text[0] {
                b'{' => return self.begin_document(),
                b'[' => {
                    (self.in_array, self.in_object, self.not_json) = (true, false, false);
                    self.state = State::Array { after: false };
                    return 1;
                }
                byte if byte.is_ascii_whitespace() => return 1,
                _ => {}
            }
        }
        self.mark = 0;
        self.not_json(emit);
        self.state = State::BadLine;
        0
    }

    /// Lines one after another are one thing that is no JSON, such as a text file.
    fn not_json(&mut self, emit: &mut impl FnMut(Piece<'_>)) {
        if !std::mem::replace(&mut self.not_json, true) {
            emit(Piece::Broken(Broken::NotJson));
        }
    }

    fn bad_line(&mut self, text: &[u8]) -> usize {
        match memchr::memchr(b'\n', text) {
            Some(end) => {
                self.state = State::Top;
                end + 1
            }
            None => text.len(),
        }
    }

    fn array(&mut self, byte: u8, after: bool, emit: &mut impl FnMut(Piece<'_>)) -> usize {
        match byte {
            byte if byte.is_ascii_whitespace() => {}
            b',' if after => self.state = State::Array { after: false },
            b']' => {
                self.in_array = false;
                if self.in_object {
                    (self.depth, self.in_string, self.escaped) = (1, false, false);
                    self.state = State::Members;
                } else {
                    self.state = State::Top;
                }
            }
            b'{' if !after => return self.begin_document(),
            _ if after => {
                emit(Piece::Broken(Broken::NoSeparator));
                self.state = State::Stopped;
            }
            _ => {
                emit(Piece::Broken(Broken::NotAnObject));
                (self.depth, self.in_string, self.escaped) = (0, false, false);
                self.state = State::Scalar;
                return 0;
            }
        }
        1
    }

    fn begin_document(&mut self) -> usize {
        self.not_json = false;
        self.kept.clear();
        self.kept.push(b'{');
        (self.depth, self.in_string, self.escaped) = (1, false, false);
        (self.string, self.after_colon) = ((0, 0), false);
        self.state = State::Document;
        1
    }

    fn document(&mut self, text: &[u8], emit: &mut impl FnMut(Piece<'_>)) -> usize {
        let mut at = 0;
        while at < text.len() {
            if self.kept.len() + at > LARGEST_DOCUMENT {
                return self.stop(Broken::TooLarge, text.len(), emit);
            }
            if self.in_string {
                match self.in_string(&text[at..]) {
                    Ok(read) => at += read,
                    Err(read) => return self.line_break(at + read, text.len(), emit),
                }
                if !self.in_string && self.depth == 1 {
                    self.string.1 = self.kept.len() + at - 1;
                }
                continue;
            }
            let byte = text[at];
            at += 1;
            match byte {
                b'"' => {
                    self.in_string = true;
                    if self.depth == 1 {
                        self.string.0 = self.kept.len() + at;
                    }
                }
                b'{' => self.depth += 1,
                b'[' => {
                    if self.depth == 1 && self.after_colon && !self.in_array {
                        self.kept.extend_from_slice(&text[..at]);
                        if self.key_is_array_of_documents() {
                            (self.in_array, self.in_object) = (true, true);
                            self.state = State::Array { after: false };
                            return at;
                        }
                        self.kept.truncate(self.kept.len() - at);
                    }
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.kept.extend_from_slice(&text[..at]);
                        emit(Piece::Document(&self.kept));
                        self.state =
                            if self.in_array { State::Array { after: true } } else { State::Top };
                        return at;
                    }
                }
                _ => {}
            }
            if self.depth == 1 && !byte.is_ascii_whitespace() {
                self.after_colon = byte == b':';
            }
        }
        self.kept.extend_from_slice(text);
        text.len()
    }

    fn key_is_array_of_documents(&self) -> bool {
        self.kept.get(self.string.0..self.string.1).is_some_and(is_name_of_documents)
    }

    /// Reads on in a string: how far, or where a raw line break stands in it.
    fn in_string(&mut self, text: &[u8]) -> Result<usize, usize> {
        if std::mem::take(&mut self.escaped) {
            return Ok(1);
        }
        match memchr3(b'"', b'\\', b'\n', text) {
            None => Ok(text.len()),
            Some(at) => match text[at] {
                b'"' => {
                    self.in_string = false;
                    Ok(at + 1)
                }
                b'\\' => {
                    self.escaped = true;
                    Ok(at + 1)
                }
                _ => Err(at),
            },
        }
    }

    /// A line break in a string ends the document; the next line may begin another.
    fn line_break(&mut self, at: usize, length: usize, emit: &mut impl FnMut(Piece<'_>)) -> usize {
        if self.in_array {
            return self.stop(Broken::LineBreakInString, length, emit);
        }
        emit(Piece::Broken(Broken::LineBreakInString));
        self.state = State::Top;
        at + 1
    }

    fn stop(&mut self, why: Broken, length: usize, emit: &mut impl FnMut(Piece<'_>)) -> usize {
        emit(Piece::Broken(why));
        self.kept = Vec::new();
        self.state = State::Stopped;
        length
    }

    /// The members after the array of documents; another such array is read, too.
    fn members(&mut self, text: &[u8]) -> usize {
        let mut at = 0;
        while at < text.len() {
            if self.in_string {
                let from = at;
                at += self.in_string(&text[at..]).unwrap_or_else(|line_break| line_break + 1);
                if self.depth == 1 && self.kept.len() <= LONGEST_KEY {
                    self.kept.extend_from_slice(&text[from..at]);
                }
                continue;
            }
            let byte = text[at];
            at += 1;
            match byte {
                b'"' => {
                    self.in_string = true;
                    self.kept.clear();
                }
                b'[' if self.depth == 1
                    && self.kept.strip_suffix(b"\"").is_some_and(is_name_of_documents) =>
                {
                    self.in_array = true;
                    self.state = State::Array { after: false };
                    return at;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.state = State::Top;
                        return at;
                    }
                }
                _ => {}
            }
        }
        text.len()
    }

    /// An array element that is no object: up to the comma or bracket after it.
    fn scalar(&mut self, text: &[u8]) -> usize {
        let mut at = 0;
        while at < text.len() {
            if self.in_string {
                at += self.in_string(&text[at..]).unwrap_or_else(|line_break| line_break + 1);
                continue;
            }
            match text[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b',' | b']' if self.depth == 0 => {
                    self.state = State::Array { after: true };
                    return at;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
        text.len()
    }
}

/// Whether the text of a key, without its quotes, names an array of documents.
fn is_name_of_documents(key: &[u8]) -> bool {
    let is_name = |name: &[u8]| matches!(name, b"Records" | b"Events");
    if key.contains(&b'\\') && key.len() <= LONGEST_KEY {
        let quoted = [b"\"", key, b"\""].concat();
        return serde_json::from_slice::<String>(&quoted).is_ok_and(|key| is_name(key.as_bytes()));
    }
    is_name(key)
}

#[cfg(test)]
mod tests;
