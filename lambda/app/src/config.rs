//! The one place that reads the environment.

pub mod function;

/// Reads the settings of a deployed function, or says everything that is wrong with them.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn of_function() -> Result<function::Function, Vec<String>> {
    function::read(|name| std::env::var(name).ok())
}

/// What the environment says about the log: a filter as `tracing` reads it.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn log_filter() -> String {
    std::env::var("FAILURE_MONITOR_LOG").unwrap_or_else(|_| "info".to_owned())
}

/// What the environment says about output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Environment {
    /// `NO_COLOR` is set and not empty (<https://no-color.org>), or `TERM` is `dumb`.
    pub no_colour: bool,
}

impl Environment {
    /// Reads it.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn read() -> Environment {
        Environment::of(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into()))
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Environment {
        Environment {
            no_colour: variable("NO_COLOR").is_some_and(|value| !value.is_empty())
                || variable("TERM").is_some_and(|value| value == "dumb"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_no_color_does_not_count() {
        let of = |name: &'static str, value: &'static str| {
            Environment::of(move |asked| (asked == name).then(|| value.to_owned())).no_colour
        };
        assert!(of("NO_COLOR", "1"));
        assert!(!of("NO_COLOR", ""));
        assert!(of("TERM", "dumb"));
        assert!(!of("TERM", "xterm"));
    }
}
