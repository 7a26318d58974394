//! Names and texts as SQL writes them. Must not know what they mean.

/// A name in a query: Trino quotes names with `"`.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name in a table definition: Hive quotes names with backticks.
pub(super) fn hive_identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text in a query. In Trino only the quotation mark is special.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text in a table definition. In Hive the backslash escapes.
pub(super) fn hive_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Texts for `IN (…)`.
pub(super) fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(literal).collect::<Vec<_>>().join(", ")
}
