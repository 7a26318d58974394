//! Every accepted form, every kind of damage, and pieces of any size.

use proptest::prelude::*;

use super::*;

/// The documents and problems of a text that comes in pieces of a size.
fn split(text: &[u8], size: usize) -> Vec<Result<String, Broken>> {
    let mut found = Vec::new();
    let mut emit = |piece: Piece<'_>| {
        found.push(match piece {
            Piece::Document(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            Piece::Broken(why) => Err(why),
        });
    };
    let mut splitter = Splitter::default();
    text.chunks(size).for_each(|piece| splitter.push(piece, &mut emit));
    splitter.finish(&mut emit);
    found
}

#[test]
fn reads_every_form_whatever_the_size_of_the_pieces() {
    let a = r#"{"a":"}\"]"}"#;
    let b = r#"{"b":[{"Records":[1]}]}"#;
    let both = vec![Ok(a.to_owned()), Ok(b.to_owned())];
    let forms = [
        format!(r#"{{"Records":[{a},{b}]}}"#),
        format!(" {{ \"x\": [1], \"Records\" :\n [ {a}\n,\t{b} ] , \"NextToken\":\"]\" }}\n"),
        format!(r#"{{"Events":[{a}],"Records":[{b}]}}"#),
        format!(r#"{{"\u0052ecords":[{a}],"x":1,"Even\u0074s":[{b}]}}"#),
        format!("[{a},{b}]"),
        format!("{a}\n{b}\r\n\n"),
        format!("{a}{b}"),
        format!("\u{feff}{a}\n\u{feff}{b}"),
    ];
    for form in forms {
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(split(form.as_bytes(), size), both, "{form} in pieces of {size}");
        }
    }
    assert_eq!(split(b"", 1), []);
    assert_eq!(split(br#"{"Records":[]}"#, 1), []);
}

#[test]
fn says_what_is_broken_and_reads_on_where_that_is_sound() {
    let cases: [(&str, &[Result<&str, Broken>]); 9] = [
        ("hello\nworld\n\n{}\nhello\n", &[Err(Broken::NotJson), Ok("{}"), Err(Broken::NotJson)]),
        ("{\"a\":\"x\n{}", &[Err(Broken::LineBreakInString), Ok("{}")]),
        (
            "[{},7,\"a,b\",[{}],{\"c\":1}]",
            &[
                Ok("{}"),
                Err(Broken::NotAnObject),
                Err(Broken::NotAnObject),
                Err(Broken::NotAnObject),
                Ok("{\"c\":1}"),
            ],
        ),
        ("{\"Records\":[{},{\"a\":", &[Ok("{}"), Err(Broken::Truncated)]),
        ("{\"Records\":[{}", &[Ok("{}"), Err(Broken::Truncated)]),
        ("{\"Records\":[{}]", &[Ok("{}"), Err(Broken::Truncated)]),
        ("[{} {}]", &[Ok("{}"), Err(Broken::NoSeparator)]),
        ("[{\"a\":\"\n\"}]", &[Err(Broken::LineBreakInString)]),
        ("{}]\n{}", &[Ok("{}"), Err(Broken::NotJson), Ok("{}")]),
    ];
    for (text, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|one| one.map(str::to_owned)).collect();
        for size in [1, 5, 1000] {
            assert_eq!(split(text.as_bytes(), size), expected, "{text} in pieces of {size}");
        }
    }
}

#[test]
fn a_cut_byte_order_mark_is_no_json() {
    for text in [&b"\n\n\xef\n"[..], b"\xef", b"\xef\xbb", b"\xbb{}", b"\xef\xbb{}\n"] {
        for size in 1..4 {
            assert_eq!(split(text, size), [Err(Broken::NotJson)], "{text:?} in pieces of {size}");
        }
    }
}

proptest! {
    #[test]
    fn never_panics_and_does_not_depend_on_the_pieces(
        text in r#"([\[\]{}",:\\ \n]|"Records":|"Events"|\u{feff}|[a-z]){0,60}"#,
        size in 1_usize..9,
    ) {
        prop_assert_eq!(split(text.as_bytes(), size), split(text.as_bytes(), 1000));
    }
}
