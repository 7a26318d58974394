//! The words of a user agent: products (`name/version`) without the comments between them.
//!
//! Knows the grammar, and what of hostile text is kept. Must not know any product.

/// How many characters of any one text are kept.
const KEPT_CHARS: usize = 64;

/// One `name/value` or `name#value` of a user agent.
pub(super) struct Product<'a> {
    /// The whole word.
    pub(super) text: &'a str,
    /// What stands before the first `/` or `#`.
    pub(super) name: &'a str,
    /// What stands behind it.
    pub(super) version: &'a str,
}

/// The products of a user agent, without the comments in parentheses.
pub(super) fn products(agent: &str) -> Vec<Product<'_>> {
    let mut in_comment = false;
    let mut products = Vec::new();
    for text in agent.split_whitespace() {
        // Only at the start of a word: `CloudCustodian(policy)/0.9` is a product.
        in_comment |= text.starts_with('(');
        if in_comment {
            in_comment = !text.ends_with(')');
            continue;
        }
        let text = text.trim_end_matches(',');
        let (name, version) = text.split_once(['/', '#']).unwrap_or((text, ""));
        products.push(Product { text, name, version });
    }
    products
}

/// What is kept of hostile text: no control or direction characters, and not much of it.
pub(super) fn keep(text: &str) -> Option<String> {
    let harmless = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            && !matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let kept: String = text.chars().filter(harmless).take(KEPT_CHARS).collect();
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_products_and_skips_comments() {
        let cases = [
            ("a/1 b#2", &[("a", "1"), ("b", "2")][..]),
            ("md/command#sts.x", &[("md", "command#sts.x")]),
            ("a/1 (x; y/2; z) b", &[("a", "1"), ("b", "")]),
            ("(x) a/1,", &[("a", "1")]),
            ("a(b)/1", &[("a(b)", "1")]),
            ("a ( b", &[("a", "")]),
            (") / #", &[(")", ""), ("", ""), ("", "")]),
            ("", &[]),
        ];
        for (agent, expected) in cases {
            let found: Vec<_> = products(agent).iter().map(|p| (p.name, p.version)).collect();
            assert_eq!(found, expected, "{agent}");
        }
    }

    #[test]
    fn keeps_short_text_without_control_or_direction_characters() {
        assert_eq!(keep("a\u{0}\u{1b}[31m\u{202e}б\u{200f}\u{feff}").as_deref(), Some("a[31mб"));
        assert_eq!(keep(&"🔑".repeat(100)), Some("🔑".repeat(KEPT_CHARS)));
        assert_eq!(keep("\u{202e}"), None);
        assert_eq!(keep(""), None);
    }
}
